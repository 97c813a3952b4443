/* cache.c: the free slots that one P may hand out without asking anyone.
 *
 * Owns    for each class and kind a span, and of that span the run of slots being handed out; the
 *         current block of tiny objects; counts of what was handed out since the last flush.
 * Holds   1. a span in slot->span has span->slot == slot, and is in no list.
 *         2. slots in [slot->next, slot->end) are zeroed, and no objects.
 *         3. taken[class] counts the slots of all runs taken, those not handed out included.
 * Locks   none: only the owner of the P, or the one who stopped the world, writes here.
 * Order   run_publish stores next, then end; in_cached_run (span.c) reads end, then next. In
 *         between the run seems empty. cache_drop_span clears span->slot before the run of another
 *         span is published, and in_cached_run reads it last.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"

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
            c->slot[k][i].bytes = class_bytes[i];
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

bool cache_refill(struct cache *c, enum obj_kind kind, unsigned class)
{
    struct slot *s = &c->slot[kind][class];
    uintptr_t lo, hi;
    DCHECK(class > 0 && class < CLASSES);
    while (s->span == NULL || !span_take_run(s->span, &lo, &hi)) {
        if (s->span != NULL)
            cache_drop_span(s);
        s->span = central_take(class, kind);
        if (s->span == NULL)
            return false;
        store_rel(&s->span->slot, (void *)s);
    }
    run_publish(s, lo, hi);
    c->taken[class] += (hi - lo) / s->bytes;
    return true;
}

/* Gives the slots not used back to the span, and the span to central. */
static void slot_flush(struct cache *c, struct slot *s, unsigned class)
{
    struct span *sp = s->span;
    if (sp == NULL)
        return;
    uintptr_t next = load_rlx(&s->next), end = load_rlx(&s->end);
    if (next < end) {
        store_rlx(&sp->free_index, span_slot_of(sp, next));
        c->taken[class] -= (end - next) / s->bytes;
    }
    cache_drop_span(s);
    store_rel(&s->end, (uint64_t)0);
    store_rel(&s->next, (uint64_t)0);
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

struct span *mem_large_take(size_t bytes, enum obj_kind kind)
{
    if (bytes > HEAP_MAX)
        return NULL;
    struct span *s = pages_take(round_up(bytes, PAGE_BYTES) / PAGE_BYTES, 0, kind);
    uintptr_t lo, hi;
    if (s == NULL)
        return NULL;
    CHECK(span_take_run(s, &lo, &hi));
    memstat_add_large(hi - lo);
    central_put(s);
    return s;
}
