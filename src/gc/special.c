/* special.c: what is attached to an object.
 *
 * Owns    the list of specials of each span, and what becomes of them when an object dies.
 * Holds   1. A span's list is in the order of slot, kind, id; no two have all three the same.
 *         2. A span has specials exactly if the first of its pages has PAGE_SPECIALS, while its lock
 *            is free.
 *         3. Every special belongs to a slot that is an object.
 * Locks   `locks`, rank special, one for many spans, by address; never two at once. Nothing is called
 *         under them that queues, readies or allocates on the heap.
 * Order   PAGE_SPECIALS is set under the lock, before the special's roots are marked by special_add:
 *         mark_written sees the flag of every page that is written after that.
 *
 * Why special_add marks: a cycle that marks while the program runs may have passed this span already.
 * Were the object found unreachable at the end of the same cycle, its finalizer would be given an
 * object whose contents nobody marked. A cycle that marks a snapshot needs nothing: what the program
 * can get hold of after the snapshot was reachable in it, or was born marked (weak.c keeps it so).
 *
 * Instead of a table by address: the sweeper of a span needs just its specials, in order of slots.
 */
#include "gc/gc_int.h"

#include "base/check.h"

enum { SPECIAL_LOCKS = 64, SHARD_PAGES = 512 };

static struct {
    struct lock lock; /* rank special */
} ALIGNED(64) locks[SPECIAL_LOCKS] = {[0 ... SPECIAL_LOCKS - 1] = {.lock = LOCK_INIT(special)}};

static struct fixed special_structs = FIXED_INIT(sizeof(struct special), SYS_OTHER);

void (*gc_sample_freed)(void *record, size_t bytes);

static struct lock *lock_of(const struct span *s)
{
    return &locks[(s->base >> PAGE_SHIFT) % SPECIAL_LOCKS].lock;
}

static au32 *state_of(const struct span *s)
{
    return &arena_of(s->base)->state[(s->base >> PAGE_SHIFT) % ARENA_PAGES];
}

static struct object object_of(struct span *s, uint32_t slot)
{
    return (struct object){s->base + slot * s->slot_bytes, s->slot_bytes, s, slot};
}

/* ---- one span's list: its lock is held */
static bool before(const struct special *sp, uint32_t slot, enum special_kind kind, uint64_t id)
{
    if (sp->slot != slot)
        return sp->slot < slot;
    return sp->kind != kind ? sp->kind < kind : sp->id < id;
}

/* Where the special with this key is, or would be. */
static struct special **place_of(const struct object *o, enum special_kind kind, uint64_t id)
{
    struct special **at = &o->span->specials;
    while (*at != NULL && before(*at, o->slot, kind, id))
        at = &(*at)->next;
    return at;
}

static bool is_at(const struct special *sp, const struct object *o, enum special_kind kind,
                  uint64_t id)
{
    return sp != NULL && sp->slot == o->slot && sp->kind == kind && sp->id == id;
}

static void note_empty(struct span *s)
{
    if (s->specials == NULL)
        and_seq(state_of(s), ~(uint32_t)PAGE_SPECIALS);
}

/* ---- what a special keeps alive */
static void mark_one(struct marker *mk, const struct object *o, enum special_kind kind,
                     const void *a, const void *b)
{
    if (kind == SPECIAL_SAMPLE)
        return;
    mark_word(mk, (uintptr_t)a);
    mark_word(mk, (uintptr_t)b);
    /* A marked object's contents are scanned as everybody's are. */
    if (kind == SPECIAL_FINALIZER && !gc_is_marked(o))
        mark_contents(mk, o);
}

bool gc_marks_beside_program(void)
{
    return gc.way == WAY_DIRTY && load_acq(&gc.phase) == GC_MARK; /* begin_marking */
}

/* ---- adding, removing, finding */
bool special_add(const struct object *o, enum special_kind kind, void *a, void *b, uint64_t id)
{
    struct lock *l = lock_of(o->span);
    struct special *sp = fixed_take(&special_structs);
    *sp = (struct special){.slot = o->slot, .kind = (uint8_t)kind, .a = a, .b = b, .id = id};
    mem_sweep_span(o->span);
    lock(l);
    struct special **at = place_of(o, kind, id);
    bool is_new = !is_at(*at, o, kind, id);
    if (is_new) {
        sp->next = *at;
        *at = sp;
        or_seq(state_of(o->span), (uint32_t)PAGE_SPECIALS);
    }
    unlock(l);
    if (!is_new) {
        fixed_put(&special_structs, sp);
    } else if (gc_marks_beside_program()) {
        struct marker *mk = marker_take();
        mark_one(mk, o, kind, a, b);
        marker_put(mk);
    }
    return is_new;
}

bool special_remove(const struct object *o, enum special_kind kind, uint64_t id,
                    struct special *out)
{
    struct lock *l = lock_of(o->span);
    mem_sweep_span(o->span);
    lock(l);
    struct special **at = place_of(o, kind, id), *sp = *at;
    bool found = is_at(sp, o, kind, id);
    if (found) {
        *at = sp->next;
        note_empty(o->span);
    }
    unlock(l);
    if (!found)
        return false;
    if (out != NULL)
        *out = *sp;
    fixed_put(&special_structs, sp);
    return true;
}

bool special_find(const struct object *o, enum special_kind kind, uint64_t id, struct special *out)
{
    struct lock *l = lock_of(o->span);
    mem_sweep_span(o->span);
    lock(l);
    struct special *sp = *place_of(o, kind, id);
    bool found = is_at(sp, o, kind, id);
    if (found && out != NULL)
        *out = *sp;
    unlock(l);
    return found;
}

/* ---- all spans that have some */
struct visit {
    void (*fn)(struct span *s, void *arg);
    void *arg;
    unsigned part, parts;
};

static void visit_pages(struct arena *a, size_t page, size_t end, const struct visit *v)
{
    for (; page < end; page++) {
        if ((load_acq(&a->state[page]) & PAGE_SPECIALS) == 0) /* special_add */
            continue;
        uint64_t e = load_acq(&a->page[page]); /* pairs with arena_set_span */
        if (pe_in_use(e))
            v->fn(pe_span(e), v->arg);
    }
}

static void visit_arena(struct arena *a, uintptr_t lo, uintptr_t hi, void *visit)
{
    const struct visit *v = visit;
    size_t end = (hi - a->base + PAGE_BYTES - 1) / PAGE_BYTES;
    for (size_t page = (lo - a->base) / PAGE_BYTES; page < end;) {
        size_t shard = page / SHARD_PAGES, next = (shard + 1) * SHARD_PAGES;
        if (shard % v->parts == v->part)
            visit_pages(a, page, next < end ? next : end, v);
        page = next;
    }
}

static void each_span(const struct visit *v)
{
    struct visit copy = *v;
    arena_each(visit_arena, &copy);
}

/* ---- roots */
void specials_mark_span(struct marker *mk, struct span *s)
{
    struct lock *l = lock_of(s);
    lock(l);
    for (struct special *sp = s->specials; sp != NULL; sp = sp->next) {
        struct object o = object_of(s, sp->slot);
        mark_one(mk, &o, (enum special_kind)sp->kind, sp->a, sp->b);
    }
    unlock(l);
}

static void mark_span(struct span *s, void *mk)
{
    specials_mark_span(mk, s);
}

void specials_mark(struct marker *mk, unsigned part, unsigned parts)
{
    each_span(&(struct visit){mark_span, mk, part, parts});
}

/* ---- death */
/* Takes the specials of the dead object o, which start at `at`, to the end of a list. With a finalizer
 * the object lives on, and so do its cleanups and its sample; weak pointers to it never do. Where the
 * next object's specials start. */
static struct special **bury(struct special **at, const struct object *o, struct special ***tail)
{
    bool lives = (*at)->kind == SPECIAL_FINALIZER;
    while (*at != NULL && (*at)->slot == o->slot) {
        struct special *sp = *at;
        if (lives && (sp->kind == SPECIAL_CLEANUP || sp->kind == SPECIAL_SAMPLE)) {
            at = &sp->next;
            continue;
        }
        if (sp->kind == SPECIAL_WEAK)
            weak_clear(sp->a);
        *at = sp->next;
        sp->next = NULL;
        **tail = sp;
        *tail = &sp->next;
    }
    if (lives)
        gc_revive(o);
    return at;
}

static struct special **pass(struct special **at)
{
    uint32_t slot = (*at)->slot;
    while (*at != NULL && (*at)->slot == slot)
        at = &(*at)->next;
    return at;
}

/* The specials of the dead, in order of slots. */
static struct special *bury_all(struct span *s)
{
    struct special *dead = NULL, **tail = &dead, **at = &s->specials;
    struct lock *l = lock_of(s);
    lock(l);
    while (*at != NULL) {
        struct object o = object_of(s, (*at)->slot);
        at = gc_is_marked(&o) ? pass(at) : bury(at, &o, &tail);
    }
    note_empty(s);
    unlock(l);
    return dead;
}

/* Outside of the lock: queues. */
static void settle(struct span *s, struct special *sp)
{
    struct object o = object_of(s, sp->slot);
    if (sp->kind == SPECIAL_FINALIZER)
        final_queue(SPECIAL_FINALIZER, (void *)(o.base + sp->id), sp->a, NULL);
    else if (sp->kind == SPECIAL_CLEANUP)
        final_queue(SPECIAL_CLEANUP, NULL, sp->a, sp->b);
    else if (sp->kind == SPECIAL_SAMPLE && gc_sample_freed != NULL)
        gc_sample_freed(sp->a, o.bytes);
}

void specials_sweep(struct span *s)
{
    if ((load_acq(state_of(s)) & PAGE_SPECIALS) == 0) /* special_add */
        return;
    struct special *dead = bury_all(s);
    if (dead == NULL)
        return;
    while (dead != NULL) {
        struct special *sp = dead;
        dead = sp->next;
        settle(s, sp);
        fixed_put(&special_structs, sp);
    }
    final_wake();
}

/* ---- for those who look at everything */
struct every {
    enum special_kind kind;
    void (*fn)(const struct object *o, const struct special *s, void *arg);
    void *arg;
};

static void every_of_span(struct span *s, void *every)
{
    const struct every *e = every;
    struct lock *l = lock_of(s);
    lock(l);
    for (struct special *sp = s->specials; sp != NULL; sp = sp->next) {
        struct object o = object_of(s, sp->slot);
        if (sp->kind == e->kind)
            e->fn(&o, sp, e->arg);
    }
    unlock(l);
}

void specials_each(enum special_kind kind,
                   void (*fn)(const struct object *o, const struct special *s, void *arg),
                   void *arg)
{
    struct every e = {kind, fn, arg};
    each_span(&(struct visit){every_of_span, &e, 0, 1});
}

void specials_check(struct span *s)
{
    struct lock *l = lock_of(s);
    lock(l);
    bool flagged = (load_rlx(state_of(s)) & PAGE_SPECIALS) != 0;
    CHECK(flagged == (s->specials != NULL)); /* 2 */
    for (struct special *sp = s->specials; sp != NULL; sp = sp->next) {
        const struct special *n = sp->next;
        CHECK(n == NULL || before(sp, n->slot, (enum special_kind)n->kind, n->id)); /* 1 */
        CHECK(sp->slot < s->nslots && span_slot_taken(s, sp->slot));                /* 3 */
    }
    unlock(l);
}
