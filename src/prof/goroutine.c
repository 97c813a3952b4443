/* goroutine.c: where all goroutines are, or the leaked ones.
 *
 * Owns    the profiles of goroutines: which of them are in it, and from where each is looked at; g->leaked.
 * Holds   1. Stacks are taken while no code of the program runs (world_stop_all), into memory outside the
 *            heap that was there before; names are found afterwards.
 *         2. shot.stacks is a root of the collector until the shot is dropped: labels in it live.
 * Locks   one_search, a mutex for goroutines: of searches for leaked ones, as long as the result is in use.
 *
 * Each stack begins with the public function that the goroutine waits in, without what that one calls inside
 * the runtime. Of a thread asleep in a call where no signal reaches it (`loose`, stw.c) nothing is known but
 * the goroutine's function.
 */
#include "prof/prof_int.h"

#include "dump/cgo.h"
#include "gc/gc.h"
#include "io/io.h"
#include "mem/mem.h"
#include "sched/sched.h"
#include "symb/symb.h"

#include <gort/debug.h>
#include <gort/mem.h>
#include <gort/prof.h>
#include <gort/sync.h>

#include <errno.h>
#include <string.h>

enum { FRAMES = 128, SPARE = 256 };

struct shot {
    const struct g *self;
    const struct gc_leaks *leaks; /* if not NULL, only these */
    struct prof_stack *stacks;    /* [room] */
    size_t n, room;
    uintptr_t *pcs; /* [pcs_room], one stack behind the other */
    size_t pcs_used, pcs_room;
    bool full;
};

size_t prof_without_start(const uintptr_t *pcs, size_t n)
{
    enum { START_BYTES = 64 };
    bool start = n > 1 && pcs[n - 1] - (uintptr_t)arch_start <= START_BYTES;
    return start ? n - 1 : n;
}

/* ---- one goroutine */
/* Without what a public function of the runtime calls. */
static size_t without_insides(uintptr_t *pcs, size_t n)
{
    size_t skip = 0;
    while (skip < n && symb_in_own_text(pcs[skip]))
        skip++;
    if (skip < 2)
        return n;
    skip--;
    memmove(pcs, pcs + skip, (n - skip) * sizeof *pcs);
    return n - skip;
}

/* Where it is; false if nobody knows. */
static STW bool place_of(struct g *g, struct context *at, bool *exact)
{
    const void *sigctx = g->sigctx;
    struct m *m = load_rlx(&g->m);
    if (sigctx != NULL) {
        arch_ucontext_to_context(sigctx, at);
        *exact = true;
        return true;
    }
    bool runs = load_rlx(&g->status) == G_RUNNING && m != NULL && load_rlx(&m->curg) == g;
    *at = g->ctx;
    *exact = false;
    return !runs || load_rlx(&m->announced) > (g->foreign ? 1u : 0u);
}

static STW size_t stack_of(struct g *g, uintptr_t *pcs)
{
    struct context at;
    bool exact;
    size_t n = 0;
    const struct m *m = load_rlx(&g->m);
    if (g->started && place_of(g, &at, &exact)) {
        n = symb_backtrace(&at, exact, &g->stack, m != NULL ? &m->g0.stack : NULL, pcs, FRAMES);
        n = cgo_complete(g, g->sigctx, pcs, n, FRAMES);
    }
    n = without_insides(pcs, prof_without_start(pcs, n));
    if (n == 0 && g->start.fn != NULL)
        pcs[n++] = (uintptr_t)g->start.fn + 1;
    return n;
}

static void keep(struct shot *s, const struct g *g, size_t n)
{
    s->stacks[s->n++] = (struct prof_stack){s->pcs + s->pcs_used, n, prof_labels_of(g)};
    s->pcs_used += n;
}

static STW void take_one(struct g *g, void *arg)
{
    struct shot *s = arg;
    if (g == s->self || g_is_hidden(g))
        return;
    if (s->leaks != NULL) {
        g->leaked = load_rlx(&g->status) == G_WAITING && gc_is_leaked(s->leaks, g->id);
        if (!g->leaked)
            return;
    }
    s->full = s->full || s->n == s->room || s->pcs_room - s->pcs_used < FRAMES;
    if (!s->full)
        keep(s, g, stack_of(g, s->pcs + s->pcs_used));
}

/* ---- all */
static void drop(struct shot *s)
{
    if (s->stacks != NULL)
        os_unmap(s->stacks, s->room * sizeof s->stacks[0]);
    if (s->pcs != NULL)
        os_unmap(s->pcs, s->pcs_room * sizeof s->pcs[0]);
    s->stacks = NULL;
    s->pcs = NULL;
}

/* Reserved, not used: most stacks have a few frames. */
static int make_room(struct shot *s, const struct gc_leaks *leaks, size_t goroutines)
{
    *s = (struct shot){.leaks = leaks, .room = goroutines, .pcs_room = (goroutines + 1) * FRAMES};
    s->stacks = os_reserve(s->room * sizeof s->stacks[0]);
    s->pcs = os_reserve(s->pcs_room * sizeof s->pcs[0]);
    if (s->stacks != NULL && s->pcs != NULL)
        return 0;
    drop(s);
    return -ENOMEM;
}

static NOINLINE void take_own(struct shot *s, struct g *g)
{
    keep(s, g, prof_without_start(s->pcs, cgo_backtrace_here(self(), true, s->pcs, FRAMES)));
}

/* The caller's first; then the others, in a stop. Inside the runtime. */
static PARKS NOINLINE void take_all(struct shot *s)
{
    s->self = m_curg(self());
    if (s->leaks == NULL)
        take_own(s, m_curg(self()));
    gort_add_roots(s->stacks, s->room * sizeof s->stacks[0]);
    world_stop_all_for(WAIT_STOPPING, STW_STACKS);
    g_each(take_one, s);
    world_start();
}

static void forget(struct shot *s)
{
    gort_remove_roots(s->stacks, s->room * sizeof s->stacks[0]);
    drop(s);
}

/* 0 or -errno. The caller is inside, and calls `forget` afterwards. */
static PARKS int take_shot(struct shot *s, const struct gc_leaks *leaks)
{
    for (size_t room = (size_t)g_count() + SPARE;; room *= 2) {
        int r = make_room(s, leaks, room);
        if (r != 0)
            return r;
        take_all(s);
        if (!s->full)
            return 0;
        forget(s);
    }
}

bool gort_goroutine_profile(gort_stack_record *p, int len, int *n)
{
    struct shot s;
    struct m *m = m_enter();
    *n = g_count();
    bool fits = *n <= len && take_shot(&s, NULL) == 0;
    if (fits) {
        *n = (int)s.n;
        fits = *n <= len;
        for (int i = 0; fits && i < *n; i++) {
            size_t k = s.stacks[i].n < ARRAY_LEN(p->stack0) ? s.stacks[i].n : ARRAY_LEN(p->stack0);
            memset(&p[i], 0, sizeof p[i]);
            memcpy(p[i].stack0, s.stacks[i].pcs, k * sizeof p->stack0[0]);
        }
        forget(&s);
    }
    m_leave(self());
    (void)m;
    return fits;
}

const uintptr_t *gort_stack_record_stack(const gort_stack_record *r, int *n)
{
    *n = 0;
    while (*n < (int)ARRAY_LEN(r->stack0) && r->stack0[*n] != 0)
        ++*n;
    return r->stack0;
}

/* ---- written */
int prof_take_goroutines(struct prof_stack **to, size_t *n)
{
    struct shot s;
    m_enter();
    int r = take_shot(&s, NULL);
    m_leave(self());
    if (r != 0)
        return r;
    uintptr_t *pcs = gort_alloc_noscan(s.pcs_used * sizeof *pcs);
    struct prof_stack *all = gort_alloc(s.n * sizeof *all);
    memcpy(pcs, s.pcs, s.pcs_used * sizeof *pcs);
    for (size_t i = 0; i < s.n; i++)
        all[i] =
            (struct prof_stack){pcs + (s.stacks[i].pcs - s.pcs), s.stacks[i].n, s.stacks[i].labels};
    *to = all;
    *n = s.n;
    forget(&s);
    return 0;
}

/* What a panic prints, of all goroutines, cut at 64 MiB. */
static int write_text(int fd)
{
    enum { FIRST = 1 << 20, LAST = 64 << 20 };
    for (size_t bytes = FIRST;; bytes *= 2) {
        struct pbuf b = {.mem = NULL};
        char *text = pbuf_room(&b, bytes);
        if (text == NULL) {
            pbuf_free(&b);
            return -ENOMEM;
        }
        b.len = gort_stack(text, bytes, true);
        int r = b.len < bytes || bytes == LAST ? prof_write_all(fd, &b) : 1;
        pbuf_free(&b);
        if (r <= 0)
            return r;
    }
}

int prof_write_goroutines(int fd, int debug)
{
    struct shot s;
    if (debug >= 2)
        return write_text(fd);
    m_enter();
    int r = take_shot(&s, NULL);
    m_leave(self());
    if (r != 0)
        return r;
    r = prof_write_counts("goroutine", s.stacks, s.n, fd, debug);
    forget(&s);
    return r;
}

/* ---- leaked */
static gort_mutex one_search;

/* The stacks of those that are leaked now. 0, and `forget` is to follow; or -errno. */
static PARKS int take_leaks(struct shot *s)
{
    struct gc_leaks leaks;
    int r = gc_find_leaks(&leaks);
    if (r != 0)
        return r;
    m_enter();
    r = take_shot(s, &leaks);
    m_leave(self());
    s->leaks = NULL;
    gc_drop_leaks();
    return r;
}

int gort_goroutine_leaks(void)
{
    struct shot s;
    gort_mutex_lock(&one_search);
    int r = take_leaks(&s);
    if (r == 0) {
        r = (int)s.n;
        forget(&s);
    }
    gort_mutex_unlock(&one_search);
    return (int)io_result(r);
}

int prof_write_leaks(int fd, int debug)
{
    struct shot s;
    gort_mutex_lock(&one_search);
    int r = take_leaks(&s);
    if (r == 0) {
        r = debug >= 2 ? write_text(fd)
                       : prof_write_counts("goroutineleak", s.stacks, s.n, fd, debug);
        forget(&s);
    }
    gort_mutex_unlock(&one_search);
    return r;
}
