/* cache.c: the free slots that one P may hand out without asking anyone.
 *
 * Owns    for each class and kind a span, and of that span the run of slots being handed out; the
 *         current block of tiny objects; counts of what was handed out since the last flush.
 * Holds   1. a span in slot->span has span->slot == slot, and is in no list.
 *         2. slots in [slot->next, slot->end) are zeroed, and no objects.
 *         3. taken[class] counts the slots of all runs taken, those not handed out included.
 *         4. while marking, the slots of every run are marked: an object is born so.
 *         5. a cached span is swept: mem_mark_end empties the caches.
 *         6. while `moving` is even, taken[class] less the slots in the runs of the class is what was
 *            handed out, and only grows.
 * Locks   none: only the owner of the P, or the one who stopped the world, writes here.
 * Order   run_publish stores next, then end; in_cached_run (span.c) reads end, then next. In
 *         between the run seems empty. cache_drop_span clears span->slot before the run of another
 *         span is published, and in_cached_run reads it last. mem_cache_count_all reads between two reads of
 *         `moving`, which whoever breaks invariant 6 for a moment makes odd and even again.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"
#include "mem/up.h"

#include "base/check.h"
#include "base/track.h"

#include <string.h>

static aptr all_caches; /* struct cache; only grows */
static au32 started;

static void mem_start(void)
{
    if (load_acq(&started) != 0)
        return;
    arena_init();
    central_init();
    store_rel(&started, 1u); /* pairs with the load above */
}

struct cache *mem_cache_new(void)
{
    mem_start();
    struct cache *c = persist_alloc_for(sizeof *c, 64, SYS_CACHE);
    memstat_add_cache(sizeof *c);
    for (int k = 0; k < OBJ_KINDS; k++)
        for (int i = 0; i < CLASSES; i++)
            c->slot[k][i] = (struct slot){.bytes = class_bytes[i], .type = &c->slot[k][i]};
    do {
        c->all_next = load_acq(&all_caches); /* pairs with this cas */
    } while (!cas_acq_rel(&all_caches, (void *)c->all_next, (void *)c));
    return c;
}

/* Between the two, what handed_out reads is stored with release, so that who reads it sees `moving` odd. */
static void move_begin(struct cache *c)
{
    store_rlx(&c->moving, load_rlx(&c->moving) + 1);
}

static void move_end(struct cache *c)
{
    store_rel(&c->moving, load_rlx(&c->moving) + 1); /* pairs with handed_out */
}

static void run_publish(struct slot *s, uintptr_t lo, uintptr_t hi)
{
    store_rel(&s->next, (uint64_t)lo);
    store_rel(&s->end, (uint64_t)hi); /* pairs with in_cached_run */
}

static void cache_drop_span(struct slot *s)
{
    struct span *sp = s->span;
    s->span = NULL;
    store_rel(&sp->slot, (void *)NULL); /* pairs with in_cached_run */
    central_put(sp);
}

/* The collector hears of small runs together. */
static void tell(struct cache *c, size_t bytes)
{
    c->untold_bytes += bytes;
    if (c->untold_bytes < TELL_BYTES)
        return;
    bytes = c->untold_bytes;
    c->untold_bytes = 0;
    gc_allocated(bytes);
}

/* Cuts the run so that an object to be sampled is alone in one. The slots of what is left. */
static uint32_t run_cut(struct cache *c, struct span *s, uintptr_t lo, uintptr_t *hi)
{
    uint32_t first = span_slot_of(s, lo), n = span_slot_of(s, *hi) - first;
    uint32_t most = (uint32_t)gc_sample_run(c, s->kind, s->class, n);
    if (most < n) {
        *hi = lo + most * s->slot_bytes;
        store_rlx(&s->free_index, first + most);
    }
    return most;
}

bool cache_refill(struct cache *c, enum obj_kind kind, unsigned class)
{
    struct slot *s = &c->slot[kind][class];
    uintptr_t lo, hi;
    DCHECK(class > 0 && class < CLASSES);
    s->type = s;
    while (s->span == NULL || !span_take_run(s->span, &lo, &hi)) {
        if (s->span != NULL)
            cache_drop_span(s);
        s->span = central_take(class, kind);
        if (s->span == NULL)
            return false;
        store_rel(&s->span->slot, (void *)s);
    }
    uint32_t n = run_cut(c, s->span, lo, &hi);
    move_begin(c);
    store_rel(&c->taken[class], load_rlx(&c->taken[class]) + n);
    run_publish(s, lo, hi);
    move_end(c);
    tell(c, hi - lo);
    return true;
}

/* Gives the slots not used back to the span, and the span to central. */
static void slot_flush(struct cache *c, struct slot *s, unsigned class)
{
    struct span *sp = s->span;
    if (sp == NULL)
        return;
    uintptr_t next = load_rlx(&s->next), end = load_rlx(&s->end);
    c->sample[sp->kind][sp->class] = 0; /* what is given back is drawn for anew: gc/watch.c */
    move_begin(c);
    if (next < end) {
        uint32_t first = span_slot_of(sp, next);
        if (s->type != s)
            span_clear_pointers(sp, first, load_rlx(&sp->free_index));
        store_rlx(&sp->free_index, first);
        store_rel(&c->taken[class], load_rlx(&c->taken[class]) - (end - next) / s->bytes);
    }
    s->type = s;
    store_rel(&s->end, (uint64_t)0);
    store_rel(&s->next, (uint64_t)0);
    move_end(c);
    cache_drop_span(s);
}

void mem_cache_flush_slot(struct cache *c, enum obj_kind kind, unsigned class)
{
    slot_flush(c, &c->slot[kind][class], class);
}

void mem_cache_flush(struct cache *c)
{
    for (int k = 0; k < OBJ_KINDS; k++)
        for (unsigned i = 1; i < CLASSES; i++)
            slot_flush(c, &c->slot[k][i], i);
    for (unsigned i = 1; i < CLASSES; i++) {
        memstat_add_class(i, load_rlx(&c->taken[i]));
        store_rlx(&c->taken[i], (uint64_t)0);
    }
    memstat_add_tiny(load_rlx(&c->ntiny));
    store_rlx(&c->ntiny, (uint64_t)0);
}

void mem_cache_flush_all(void)
{
    for (struct cache *c = load_acq(&all_caches); c != NULL; c = c->all_next) /* mem_cache_new */
        mem_cache_flush(c);
}

/* ---- what was handed out, while it is handed out */
static uint64_t slots_left(struct cache *c, unsigned class)
{
    uint64_t left = 0;
    for (int k = 0; k < OBJ_KINDS; k++) {
        struct slot *s = &c->slot[k][class];
        uint64_t next = load_acq(&s->next), end = load_acq(&s->end); /* before `moving` again */
        if (next < end)
            left += (end - next) / s->bytes;
    }
    return left;
}

static uint64_t handed_out(struct cache *c, unsigned class)
{
    for (;;) {
        uint32_t before = load_acq(&c->moving); /* pairs with move_end */
        uint64_t taken = load_acq(&c->taken[class]);
        uint64_t left = taken != 0 ? slots_left(c, class) : 0; /* no runs, no slots in them */
        if (before % 2 == 0 && load_rlx(&c->moving) == before)
            return taken - left;
        cpu_relax(1);
    }
}

void mem_cache_count_all(struct mem_usage *u)
{
    for (struct cache *c = load_acq(&all_caches); c != NULL; c = c->all_next) { /* mem_cache_new */
        for (unsigned i = 1; i < CLASSES; i++)
            u->taken[i] += handed_out(c, i);
        u->tiny += load_rlx(&c->ntiny);
    }
}

static void run_mark(struct slot *s)
{
    uintptr_t next = load_rlx(&s->next), end = load_rlx(&s->end);
    struct span *sp = s->span;
    if (sp != NULL && next < end)
        span_mark(sp, span_slot_of(sp, next), (uint32_t)((end - sp->base) / sp->slot_bytes));
}

/* A tiny object in a block that this cycle finds dead would die with it, where nobody looks at what
 * is written after the start. */
void cache_mark_all(void)
{
    for (struct cache *c = load_acq(&all_caches); c != NULL; c = c->all_next) { /* mem_cache_new */
        for (int k = 0; k < OBJ_KINDS; k++)
            for (unsigned i = 1; i < CLASSES; i++)
                run_mark(&c->slot[k][i]);
        c->tiny_next = c->tiny_end = 0;
    }
}

struct span *mem_large_take_dirty(size_t bytes, enum obj_kind kind)
{
    if (bytes > HEAP_MAX)
        return NULL;
    size_t npages = round_up(bytes, PAGE_BYTES) / PAGE_BYTES;
    central_make_room(npages, kind);
    struct span *s = pages_take(npages, 0, kind);
    if (s == NULL)
        return NULL;
    if (load_rlx(&mem_gc.marking) != 0)
        span_mark(s, 0, 1);
    store_rlx(&s->free_index, 1u);
    memstat_add_large(s->slot_bytes);
    central_put(s);
    gc_allocated(s->slot_bytes);
    return s;
}

struct span *mem_large_take(size_t bytes, enum obj_kind kind)
{
    struct span *s = mem_large_take_dirty(bytes, kind);
    if (s == NULL)
        return NULL;
    track_raw(s->base, s->slot_bytes);
    if (s->needzero)
        memset((void *)s->base, 0, s->slot_bytes);
    return s;
}

/* ---- checks */
static void slot_check(struct slot *s, enum obj_kind kind, unsigned class)
{
    uintptr_t next = load_rlx(&s->next), end = load_rlx(&s->end);
    struct span *sp = s->span;
    CHECK(s->bytes == class_bytes[class] && next <= end);
    if (sp == NULL) {
        CHECK(next == end);
        return;
    }
    CHECK(load_rlx(&sp->slot) == s && sp->class == class && sp->kind == kind); /* 1 */
    CHECK(load_rlx(&sp->swept) == load_rlx(&mem_gc.cycle));                    /* 5 */
    CHECK(end == sp->base + load_rlx(&sp->free_index) * sp->slot_bytes);
    for (uintptr_t p = next; p < end; p += s->bytes) {
        uint32_t slot = span_slot_of(sp, p);
        au64 *marks = meta_marks(sp->meta, class, load_rlx(&mem_gc.half));
        CHECK(load_rlx(&mem_gc.marking) == 0 ||
              (load_rlx(&marks[slot / 64]) >> slot % 64 & 1)); /* 4 */
        for (uint64_t at = 0; at < s->bytes; at += 8)
            CHECK(*(uint64_t *)(p + at) == 0); /* 2 */
    }
    span_check(sp);
}

void mem_cache_check(struct cache *c)
{
    for (int k = 0; k < OBJ_KINDS; k++)
        for (unsigned i = 1; i < CLASSES; i++)
            slot_check(&c->slot[k][i], (enum obj_kind)k, i);
}

void mem_check(void)
{
    for (struct cache *c = load_acq(&all_caches); c != NULL; c = c->all_next) /* mem_cache_new */
        mem_cache_check(c);
    central_check();
    pages_check();
}
