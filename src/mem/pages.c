/* pages.c: the page heap: runs of pages, cut and merged.
 *
 * Owns    every page of the arenas that was taken into use: a page belongs to one span, in use or
 *         free. The rest of the newest reservation is not heap yet (nor counted in HeapSys).
 * Holds   1. no two free runs are neighbours: pages_put merges.
 *         2. a free run is in the bin of its length, and `filled` has the bits of the bins
 *            with runs.
 *         3. sys_pages is the number of pages in spans of both states, inuse_pages in use;
 *            released_pages counts the free ones that were never written to.
 * Locks   `lock`, rank pages, over all of it; fixed and persist memory are taken under it.
 * Instead of first fit by address over bitmaps with summaries (Go's): bins of nearly equal length
 *         find a run in constant time and need no summary of an address space with holes. Up to 64
 *         pages a bin holds one length; above, 32 bins per power of two, so a run that is taken
 *         without looking is at most 1/32 too long, and what is over is cut off.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"

enum {
    EXACT_BINS = 64, /* bin n - 1 holds runs of n pages */
    EXACT_LOG = 6,
    STEP_LOG = 5, /* above: 32 bins per power of two */
    BINS = EXACT_BINS + ((ADDRESS_BITS - PAGE_SHIFT - EXACT_LOG + 1) << STEP_LOG),
    BIN_WORDS = (BINS + 63) / 64,
};

static struct {
    struct lock lock; /* rank pages */
    /* lock: */
    struct list bin[BINS];
    uint64_t filled[BIN_WORDS];
    uintptr_t fresh, fresh_end; /* reserved, not yet in use */
    size_t sys_pages, inuse_pages, released_pages;
    bool ready;
} heap = {.lock = LOCK_INIT(pages)};

static void bins_init(void) REQUIRES(heap.lock)
{
    for (int i = 0; i < BINS; i++)
        list_init(&heap.bin[i]);
    heap.ready = true;
}

/* The bin of a free run of npages: every run in it has at least bin_least(bin) pages. */
static unsigned bin_of(size_t npages)
{
    if (npages <= EXACT_BINS)
        return (unsigned)npages - 1;
    unsigned log = 63u - (unsigned)__builtin_clzll(npages);
    unsigned step = (unsigned)(npages >> (log - STEP_LOG)) & ((1u << STEP_LOG) - 1);
    return EXACT_BINS + ((log - EXACT_LOG) << STEP_LOG) + step;
}

/* The first bin in which every run has npages. */
static unsigned bin_above(size_t npages)
{
    if (npages <= EXACT_BINS)
        return (unsigned)npages - 1;
    unsigned log = 63u - (unsigned)__builtin_clzll(npages);
    return bin_of(npages + ((size_t)1 << (log - STEP_LOG)) - 1);
}

static void run_insert(struct span *s) REQUIRES(heap.lock)
{
    unsigned b = bin_of(s->npages);
    list_put_head(&heap.bin[b], &s->node);
    heap.filled[b / 64] |= (uint64_t)1 << b % 64;
    arena_set_span(s->base, 1, s);
    arena_set_span(s->base + (s->npages - 1) * PAGE_BYTES, 1, s);
}

static void run_remove(struct span *s) REQUIRES(heap.lock)
{
    unsigned b = bin_of(s->npages);
    list_remove(&s->node);
    if (list_empty(&heap.bin[b]))
        heap.filled[b / 64] &= ~((uint64_t)1 << b % 64);
    arena_set_span(s->base, 1, NULL);
    arena_set_span(s->base + (s->npages - 1) * PAGE_BYTES, 1, NULL);
}

/* The free run that `addr` is the first or last page of. */
static struct span *run_at(uintptr_t addr)
{
    struct span *s = arena_tag(addr);
    return s != NULL && load_rlx(&s->state) == SPAN_FREE ? s : NULL;
}

static void run_put(struct span *s) REQUIRES(heap.lock)
{
    struct span *before = run_at(s->base - 1);
    if (before != NULL) {
        run_remove(before);
        s->base = before->base;
        s->npages += before->npages;
        fixed_put(&span_structs, before);
    }
    struct span *after = run_at(s->base + s->npages * PAGE_BYTES);
    if (after != NULL) {
        run_remove(after);
        s->npages += after->npages;
        fixed_put(&span_structs, after);
    }
    run_insert(s);
}

static void run_put_new(uintptr_t base, size_t npages) REQUIRES(heap.lock)
{
    struct span *s = fixed_take(&span_structs);
    s->base = base;
    s->npages = npages;
    store_rlx(&s->state, (uint32_t)SPAN_FREE);
    run_put(s);
}

/* A run in the bin of npages that is long enough; only the first few are looked at. */
static struct span *bin_look(unsigned b, size_t npages) REQUIRES(heap.lock)
{
    struct node *n = heap.bin[b].head.next;
    for (int i = 0; i < BIN_LOOKS && n != &heap.bin[b].head; i++, n = n->next) {
        struct span *s = container_of(n, struct span, node);
        if (s->npages >= npages)
            return s;
    }
    return NULL;
}

static struct span *run_find(size_t npages) REQUIRES(heap.lock)
{
    unsigned b = bin_above(npages);
    struct span *s = bin_look(bin_of(npages), npages);
    if (s != NULL)
        return s;
    uint64_t word = heap.filled[b / 64] & (~(uint64_t)0 << b % 64);
    for (unsigned w = b / 64;;) {
        if (word != 0) {
            struct list *l = &heap.bin[w * 64 + (unsigned)__builtin_ctzll(word)];
            return container_of(l->head.next, struct span, node);
        }
        if (++w == BIN_WORDS)
            return NULL;
        word = heap.filled[w];
    }
}

static void heap_extend(uintptr_t base, size_t npages) REQUIRES(heap.lock)
{
    heap.sys_pages += npages;
    heap.released_pages += npages;
    run_put_new(base, npages);
}

/* Takes multiples of 4 MiB into use; reserves whole arenas. */
static bool heap_grow(size_t npages) REQUIRES(heap.lock)
{
    size_t bytes = round_up(npages, GROW_PAGES) * PAGE_BYTES;
    if (heap.fresh_end - heap.fresh < bytes) {
        size_t reserve = round_up(bytes, ARENA_BYTES);
        uintptr_t base = arena_reserve(reserve);
        if (base == 0)
            return false;
        if (base != heap.fresh_end) {
            if (heap.fresh < heap.fresh_end)
                heap_extend(heap.fresh, (heap.fresh_end - heap.fresh) / PAGE_BYTES);
            heap.fresh = base;
        }
        heap.fresh_end = base + reserve;
    }
    heap_extend(heap.fresh, bytes / PAGE_BYTES);
    heap.fresh += bytes;
    return true;
}

/* Cuts the run to npages and makes it a span in use. */
static void run_use(struct span *s, size_t npages, unsigned class, enum obj_kind kind)
    REQUIRES(heap.lock)
{
    size_t over = s->npages - npages;
    run_remove(s);
    s->npages = npages;
    if (over > 0)
        run_put_new(s->base + npages * PAGE_BYTES, over);
    size_t clean = arena_touch(s->base, npages);
    s->needzero = clean < npages;
    heap.inuse_pages += npages;
    heap.released_pages -= clean;
    span_init(s, class, kind);
    store_rel(&s->state, (uint32_t)SPAN_IN_USE); /* pairs with arena_span */
    arena_set_span(s->base, npages, s);
}

struct span *pages_take(size_t npages, unsigned class, enum obj_kind kind)
{
    if (npages > HEAP_MAX / PAGE_BYTES)
        return NULL;
    lock(&heap.lock);
    if (!heap.ready)
        bins_init();
    struct span *s = run_find(npages);
    if (s == NULL && heap_grow(npages)) {
        s = run_find(npages);
        CHECK(s != NULL);
    }
    if (s != NULL)
        run_use(s, npages, class, kind);
    unlock(&heap.lock);
    return s;
}

void pages_put(struct span *s)
{
    CHECK(load_rlx(&s->state) == SPAN_IN_USE);
    lock(&heap.lock);
    store_rel(&s->state, (uint32_t)SPAN_FREE); /* pairs with arena_span */
    arena_set_span(s->base, s->npages, NULL);
    span_fini(s);
    heap.inuse_pages -= s->npages;
    run_put(s);
    unlock(&heap.lock);
}

void pages_usage(struct mem_usage *u)
{
    lock(&heap.lock);
    u->heap_sys = heap.sys_pages * PAGE_BYTES;
    u->heap_inuse = heap.inuse_pages * PAGE_BYTES;
    u->heap_released = heap.released_pages * PAGE_BYTES;
    unlock(&heap.lock);
}

uint64_t mem_heap_sys(void)
{
    lock(&heap.lock);
    uint64_t bytes = heap.sys_pages * PAGE_BYTES;
    unlock(&heap.lock);
    return bytes;
}

/* Pages of free runs; checks each run of a bin. */
static size_t bin_check(unsigned b) REQUIRES(heap.lock)
{
    size_t npages = 0;
    struct node *end = &heap.bin[b].head;
    for (struct node *n = end->next; n != end; n = n->next) {
        struct span *s = container_of(n, struct span, node);
        uintptr_t behind = s->base + s->npages * PAGE_BYTES;
        CHECK(load_rlx(&s->state) == SPAN_FREE && bin_of(s->npages) == b); /* 2 */
        CHECK(arena_tag(s->base) == s && arena_tag(behind - 1) == s);
        CHECK(run_at(s->base - 1) == NULL && run_at(behind) == NULL); /* 1 */
        npages += s->npages;
    }
    CHECK((heap.filled[b / 64] >> b % 64 & 1) == (npages != 0)); /* 2 */
    return npages;
}

void pages_check(void)
{
    lock(&heap.lock);
    size_t free_pages = 0;
    for (unsigned b = 0; heap.ready && b < BINS; b++)
        free_pages += bin_check(b);
    CHECK(free_pages + heap.inuse_pages == heap.sys_pages); /* 3 */
    CHECK(heap.released_pages <= free_pages);               /* 3 */
    unlock(&heap.lock);
}
