/* custom.c: profiles of the program's own, and all profiles by their names.
 *
 * Owns    the list of profiles: six that the runtime keeps, and those of gort_pprof_new, each of which holds
 *         a value and the stack that added it for each thing that the program counts.
 * Holds   1. The list is sorted by name; a profile is never removed.
 *         2. A profile's table has its values at value % cap or behind, at most half of it taken; NULL is a
 *            value like others, so that an empty place is one without pcs.
 * Locks   gort_mutex: `all.mutex`, and that of a profile. Nothing is called under them that comes back.
 * Instead of memory outside of the collected heap: as in Go, a profile keeps its values alive.
 */
#include "prof/prof_int.h"

#include "dump/cgo.h"
#include "panic/panic.h"
#include "sched/sched.h"

#include <gort/mem.h>
#include <gort/prof.h>
#include <gort/sync.h>

#include <string.h>

struct added {
    const void *value;
    uintptr_t *pcs; /* NULL: nothing here */
    size_t n;
};

struct gort_pprof_profile {
    /* const: */
    const char *name;
    gort_pprof_profile *next;
    bool builtin;
    /* mutex: */
    gort_mutex mutex;
    struct added *table;
    size_t cap, count;
};

static struct {
    gort_mutex mutex;
    gort_pprof_profile *first;
} all;

static gort_pprof_profile builtins[] = {
    {.name = "allocs", .builtin = true},    {.name = "block", .builtin = true},
    {.name = "goroutine", .builtin = true}, {.name = "heap", .builtin = true},
    {.name = "mutex", .builtin = true},     {.name = "threadcreate", .builtin = true},
};

/* ---- the list */
/* Where the profile of that name is, or is to be. */
static gort_pprof_profile **find(const char *name)
{
    if (all.first == NULL)
        for (size_t i = ARRAY_LEN(builtins); i-- > 0; all.first = &builtins[i])
            builtins[i].next = all.first;
    gort_pprof_profile **at = &all.first;
    while (*at != NULL && strcmp((*at)->name, name) < 0)
        at = &(*at)->next;
    return at;
}

static bool is_named(const gort_pprof_profile *p, const char *name)
{
    return p != NULL && strcmp(p->name, name) == 0;
}

gort_pprof_profile *gort_pprof_new(const char *name)
{
    if (name == NULL || name[0] == '\0')
        panic_string("pprof: NewProfile with empty name");
    gort_pprof_profile *p = gort_alloc(sizeof *p);
    p->name = gort_strdup(name);
    gort_mutex_lock(&all.mutex);
    gort_pprof_profile **at = find(name);
    bool taken = is_named(*at, name);
    if (!taken) {
        p->next = *at;
        *at = p;
    }
    gort_mutex_unlock(&all.mutex);
    if (taken)
        panic_string(gort_sprintf("pprof: NewProfile name already in use: %s", name));
    return p;
}

gort_pprof_profile *gort_pprof_lookup(const char *name)
{
    gort_mutex_lock(&all.mutex);
    gort_pprof_profile *p = *find(name);
    gort_mutex_unlock(&all.mutex);
    return is_named(p, name) ? p : NULL;
}

size_t gort_pprof_profiles(gort_pprof_profile **p, size_t n)
{
    size_t count = 0;
    gort_mutex_lock(&all.mutex);
    for (gort_pprof_profile *each = *find(""); each != NULL; each = each->next, count++)
        if (count < n)
            p[count] = each;
    gort_mutex_unlock(&all.mutex);
    return count;
}

const char *gort_pprof_name(const gort_pprof_profile *p)
{
    return p->name;
}

static int count_builtin(const gort_pprof_profile *p)
{
    int n = 0;
    if (strcmp(p->name, "block") == 0)
        (void)gort_block_profile(NULL, 0, &n);
    else if (strcmp(p->name, "mutex") == 0)
        (void)gort_mutex_profile(NULL, 0, &n);
    else if (strcmp(p->name, "goroutine") == 0)
        (void)gort_goroutine_profile(NULL, 0, &n);
    else if (strcmp(p->name, "threadcreate") == 0)
        (void)gort_thread_create_profile(NULL, 0, &n);
    else
        (void)gort_mem_profile(NULL, 0, true, &n);
    return n;
}

int gort_pprof_count(gort_pprof_profile *p)
{
    if (p->builtin)
        return count_builtin(p);
    gort_mutex_lock(&p->mutex);
    int n = (int)p->count;
    gort_mutex_unlock(&p->mutex);
    return n;
}

/* ---- values */
static size_t place_of(const struct added *table, size_t cap, const void *value)
{
    size_t at = (size_t)(prof_hash(&value, sizeof value, 0) % cap);
    while (table[at].pcs != NULL && table[at].value != value)
        at = (at + 1) % cap;
    return at;
}

static void table_double(gort_pprof_profile *p)
{
    size_t cap = p->cap > 0 ? 2 * p->cap : 16;
    struct added *table = gort_alloc(cap * sizeof *table);
    for (size_t i = 0; i < p->cap; i++)
        if (p->table[i].pcs != NULL)
            table[place_of(table, cap, p->table[i].value)] = p->table[i];
    p->table = table;
    p->cap = cap;
}

struct stack_query {
    uintptr_t *pcs;
    size_t n;
    int skip;
};

/* How many of the innermost frames are left out: those whose calls, inlined ones counted, are all skipped. */
static void skip_frames(void *arg)
{
    struct stack_query *q = arg;
    struct symb_answer room;
    while (q->n > 0 && q->skip > 0) {
        q->skip -= symb_answer(q->pcs[0] - 1, &room)->n;
        if (q->skip < 0)
            return;
        q->pcs++;
        q->n--;
    }
}

/* The caller's stack. Never empty, as in Go. */
static NOINLINE struct stack_query stack_of_caller(uintptr_t *pcs, size_t max, int skip)
{
    struct m *m = m_enter();
    size_t n = cgo_backtrace_here(m, false, pcs, max);
    m_leave(m);
    struct stack_query q = {pcs, n, skip};
    if (skip > 0)
        prof_foreign(skip_frames, &q);
    if (q.n == 0) {
        pcs[0] = (uintptr_t)gort_pprof_add + 1;
        q = (struct stack_query){pcs, 1, 0};
    }
    return q;
}

static void check(const gort_pprof_profile *p)
{
    if (p == NULL || p->name == NULL)
        panic_string("pprof: use of uninitialized Profile");
}

/* False: it is there already. */
static NOINLINE bool add(gort_pprof_profile *p, const void *value, int skip)
{
    enum { DEEPEST = 128 };
    uintptr_t pcs[DEEPEST];
    struct stack_query q = stack_of_caller(pcs, DEEPEST, skip);
    struct added new = {.value = value, .n = q.n < BUCKET_FRAMES ? q.n : BUCKET_FRAMES};
    new.pcs = gort_alloc_noscan(new.n * sizeof new.pcs[0]);
    memcpy(new.pcs, q.pcs, new.n * sizeof new.pcs[0]);
    gort_mutex_lock(&p->mutex);
    if (2 * (p->count + 1) > p->cap)
        table_double(p);
    struct added *at = &p->table[place_of(p->table, p->cap, value)];
    bool twice = at->pcs != NULL;
    if (!twice) {
        *at = new;
        p->count++;
    }
    gort_mutex_unlock(&p->mutex);
    return !twice;
}

/* Without locals of its own: a panic leaves this frame by a jump, and AddressSanitizer would not learn that
 * they are gone. */
void gort_pprof_add(gort_pprof_profile *p, const void *value, int skip)
{
    check(p);
    if (p->builtin)
        panic_string(gort_sprintf("pprof: Add called on built-in Profile %s", p->name));
    if (!add(p, value, skip))
        panic_string("pprof: Profile.Add of duplicate value");
}

/* Those behind an emptied place move up, so that they are found. */
static void close_gap(gort_pprof_profile *p, size_t gap)
{
    for (size_t i = (gap + 1) % p->cap; p->table[i].pcs != NULL; i = (i + 1) % p->cap) {
        struct added moving = p->table[i];
        p->table[i] = (struct added){.pcs = NULL};
        p->table[place_of(p->table, p->cap, moving.value)] = moving;
    }
}

void gort_pprof_remove(gort_pprof_profile *p, const void *value)
{
    check(p);
    gort_mutex_lock(&p->mutex);
    size_t at = p->count > 0 ? place_of(p->table, p->cap, value) : 0;
    if (p->count > 0 && p->table[at].pcs != NULL) {
        p->table[at] = (struct added){.pcs = NULL};
        p->count--;
        close_gap(p, at);
    }
    gort_mutex_unlock(&p->mutex);
}

PARKS bool prof_custom_take(const char *name, struct prof_stack **s, size_t *n)
{
    gort_pprof_profile *p = gort_pprof_lookup(name);
    if (p == NULL || p->builtin)
        return false;
    gort_mutex_lock(&p->mutex);
    *s = gort_alloc((p->count + 1) * sizeof **s);
    *n = 0;
    for (size_t i = 0; i < p->cap; i++)
        if (p->table[i].pcs != NULL)
            (*s)[(*n)++] = (struct prof_stack){.pcs = p->table[i].pcs, .n = p->table[i].n};
    gort_mutex_unlock(&p->mutex);
    return true;
}
