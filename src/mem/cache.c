/* cache.c: the free slots that one P may hand out without asking anyone.
 *
 * Owns    for each class and kind a span, and of that span the run of slots being handed out; the
 *         current block of tiny objects; counts of what was handed out since the last flush.
 * Holds   1. a span in slot->span has span->slot == slot, and is in no list.
 *         2. slots in [slot->next, slot->end) are zeroed, and no objects.
 *         3. taken[class] counts the slots of all runs taken, those not handed out included.
 *         4. while marking, the slots of every run are marked: an object is born so.
 *         5. a cached span is swept: mem_mark_end empties the caches.
 * Locks   none: only the owner of the P, or the one who stopped the world, writes here.
 * Order   run_publish stores next, then end; in_cached_run (span.c) reads end, then next. In
 *         between the run seems empty. cache_drop_span clears span->slot before the run of another
 *         span is published, and in_cached_run reads it last.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"
#include "mem/up.h"

#include "base/check.h"

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
    c->taken[class] += run_cut(c, s->span, lo, &hi);
    run_publish(s, lo, hi);
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
    if (next < end) {
        uint32_t first = span_slot_of(sp, next);
        if (s->type != s)
            span_clear_pointers(sp, first, load_rlx(&sp->free_index));
        store_rlx(&sp->free_index, first);
        c->taken[class] -= (end - next) / s->bytes;
    }
    s->type = s;
    store_rel(&s->end, (uint64_t)0);
    store_rel(&s->next, (uint64_t)0);
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
        memstat_add_class(i, c->taken[i]);
        c->taken[i] = 0;
    }
    memstat_add_tiny(c->ntiny);
    c->ntiny = 0;
}

void mem_cache_flush_all(void)
{
    for (struct cache *c = load_acq(&all_caches); c != NULL; c = c->all_next) /* mem_cache_new */
        mem_cache_flush(c);
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
    if (s != NULL && s->needzero)
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
