/* pages.c: the page heaps: runs of pages, cut and merged.
 *
 * Owns    every page of the arenas that was taken into use: a page belongs to one span, in use or
 *         free. There are two heaps of the same shape, for spans without pointers and for the others,
 *         each with arenas of its own. The rest of a heap's newest reservation is not heap yet (nor
 *         counted in HeapSys).
 * Holds   1. no two free runs of a heap are neighbours: run_put merges.
 *         2. a free run is in the bin of its length, in the bins of runs with pages to give back or
 *            in those of the other runs, and `filled` has the bits of the bins with runs.
 *         3. sys_pages = inuse_pages + pages of free runs + away_pages + fenced_pages. Away is what
 *            the scavenger is about to give back; fenced is what GODEBUG=efence=1 never uses again.
 *         4. dirty_pages of a free run counts its bits in the arenas' `dirty`. released_pages counts
 *            the pages, not in use, whose bit is clear; retained_bytes is the rest of both heaps.
 * Locks   `lock` of a heap, rank pages, over all of it but fresh; fixed and persist memory are taken
 *         under it. The kernel is asked for more under `grow` alone, so that meanwhile others take
 *         and put pages.
 * Instead of first fit by address over bitmaps with summaries (Go's): bins of nearly equal length
 *         find a run in constant time and need no summary of an address space with holes. Up to 64
 *         pages a bin holds one length; above, 32 bins per power of two, so a run that is taken
 *         without looking is at most 1/32 too long, and what is over is cut off. Runs with pages
 *         that cost memory already are taken before the others, though those may fit better: zeroing
 *         a page is cheaper than a page fault.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"
#include "conf/conf.h"

#include <errno.h>

enum {
    EXACT_BINS = 64, /* bin n - 1 holds runs of n pages */
    EXACT_LOG = 6,
    STEP_LOG = 5, /* above: 32 bins per power of two */
    BINS = EXACT_BINS + ((ADDRESS_BITS - PAGE_SHIFT - EXACT_LOG + 1) << STEP_LOG),
    BIN_WORDS = (BINS + 63) / 64,
};
#define HUGE_PAGE_BYTES ((uintptr_t)2 << 20)

struct bins {
    struct list bin[BINS];
    uint64_t filled[BIN_WORDS];
};

struct heap {
    struct lock lock; /* rank pages */
    /* lock: */
    struct bins dirty, clean; /* runs with pages to give back, and without */
    size_t sys_pages, inuse_pages, released_pages, away_pages, fenced_pages;
    bool lazily; /* clean pages may hold old bytes: some were given back by MADV_FREE */
    bool ready;
    /* const: */
    bool noscan;
    /* lock (grow): */
    size_t fresh,
        fresh_end; /* pages reserved, not yet in use; numbers, for the collector would take an
                                address at the end for a pointer to what lies behind */
};
static struct heap heaps[PAGE_HEAPS] = {
    {.lock = LOCK_INIT(pages), .noscan = true},
    {.lock = LOCK_INIT(pages), .noscan = false},
};
static struct lock grow = LOCK_INIT(grow);
static au64 retained_bytes, inuse_bytes; /* lock+atomic (pages), of both heaps */

static void retain(struct heap *h, int64_t npages) REQUIRES(h->lock)
{
    h->released_pages -= (size_t)npages;
    add_rlx(&retained_bytes, (uint64_t)npages * PAGE_BYTES);
}

static void use(struct heap *h, int64_t npages) REQUIRES(h->lock)
{
    h->inuse_pages += (size_t)npages;
    add_rlx(&inuse_bytes, (uint64_t)npages * PAGE_BYTES);
}

static void bins_init(struct heap *h) REQUIRES(h->lock)
{
    for (int i = 0; i < BINS; i++) {
        list_init(&h->dirty.bin[i]);
        list_init(&h->clean.bin[i]);
    }
    h->ready = true;
}

/* ---- which pages cost memory */

/* The bits of the next few of npages from `base` on. */
struct dirty_bits {
    uint64_t *word, mask;
    size_t npages;
};
static struct dirty_bits dirty_at(uintptr_t base, size_t npages)
{
    size_t page = (base >> PAGE_SHIFT) % ARENA_PAGES;
    size_t n = 64 - page % 64;
    if (n > npages)
        n = npages;
    return (struct dirty_bits){&arena_of(base)->dirty[page / 64],
                               ~(uint64_t)0 >> (64 - n) << page % 64, n};
}

static size_t dirty_count(uintptr_t base, size_t npages)
{
    size_t count = 0;
    while (npages > 0) {
        struct dirty_bits d = dirty_at(base, npages);
        count += (size_t)__builtin_popcountll(*d.word & d.mask);
        base += d.npages * PAGE_BYTES;
        npages -= d.npages;
    }
    return count;
}

static void dirty_clear(uintptr_t base, size_t npages)
{
    while (npages > 0) {
        struct dirty_bits d = dirty_at(base, npages);
        *d.word &= ~d.mask;
        base += d.npages * PAGE_BYTES;
        npages -= d.npages;
    }
}

/* Behind the last dirty page of [lo, hi); lo if there is none. */
static uintptr_t dirty_end(uintptr_t lo, uintptr_t hi)
{
    while (hi > lo) {
        size_t page = (hi - 1) >> PAGE_SHIFT, first = page & ~(size_t)63;
        uint64_t word = arena_of(hi - 1)->dirty[page % ARENA_PAGES / 64];
        word &= ~(uint64_t)0 >> (63 - page % 64);
        if (word != 0) {
            uintptr_t end = (first + 64 - (size_t)__builtin_clzll(word)) << PAGE_SHIFT;
            return end > lo ? end : lo;
        }
        hi = first << PAGE_SHIFT;
    }
    return lo;
}

/* ---- free runs */

/* The bin of a free run of npages; a longer run is in no lower bin. */
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

/* The kernel's pages that lie wholly in the run. */
static uintptr_t whole_lo(const struct span *s)
{
    return round_up(s->base, os_page_bytes());
}
static uintptr_t whole_hi(const struct span *s)
{
    return (s->base + s->npages * PAGE_BYTES) & ~(os_page_bytes() - 1);
}

static bool can_give_back(const struct span *s)
{
    if (s->dirty_pages == 0 || os_page_bytes() <= PAGE_BYTES)
        return s->dirty_pages > 0;
    uintptr_t lo = whole_lo(s), hi = whole_hi(s);
    return lo < hi && dirty_end(lo, hi) > lo;
}

static struct bins *bins_for(struct heap *h, const struct span *s) REQUIRES(h->lock)
{
    return can_give_back(s) ? &h->dirty : &h->clean;
}

static void run_insert(struct heap *h, struct span *s) REQUIRES(h->lock)
{
    struct bins *bins = bins_for(h, s);
    unsigned b = bin_of(s->npages);
    list_put_head(&bins->bin[b], &s->node);
    bins->filled[b / 64] |= (uint64_t)1 << b % 64;
    arena_set_free(s->base, s);
    arena_set_free(s->base + (s->npages - 1) * PAGE_BYTES, s);
}

static void run_remove(struct heap *h, struct span *s) REQUIRES(h->lock)
{
    struct bins *bins = bins_for(h, s);
    unsigned b = bin_of(s->npages);
    list_remove(&s->node);
    if (list_empty(&bins->bin[b]))
        bins->filled[b / 64] &= ~((uint64_t)1 << b % 64);
    arena_set_free(s->base, NULL);
    arena_set_free(s->base + (s->npages - 1) * PAGE_BYTES, NULL);
}

/* The free run of this heap that `addr` is in the first or last page of. */
static struct span *run_at(struct heap *h, uintptr_t addr) REQUIRES(h->lock)
{
    struct arena *a = arena_of(addr);
    if (a == NULL || a->noscan != h->noscan)
        return NULL;
    uint64_t e = page_entry(addr);
    return pe_in_use(e) ? NULL : pe_span(e);
}

/* Puts a free run in its bin, merged with its neighbours. */
static void run_put(struct heap *h, struct span *s) REQUIRES(h->lock)
{
    struct span *before = run_at(h, s->base - 1);
    if (before != NULL) {
        run_remove(h, before);
        s->base = before->base;
        s->npages += before->npages;
        s->dirty_pages += before->dirty_pages;
        fixed_put(&span_structs, before);
    }
    struct span *after = run_at(h, s->base + s->npages * PAGE_BYTES);
    if (after != NULL) {
        run_remove(h, after);
        s->npages += after->npages;
        s->dirty_pages += after->dirty_pages;
        fixed_put(&span_structs, after);
    }
    run_insert(h, s);
}

static void run_put_new(struct heap *h, uintptr_t base, uintptr_t end, size_t dirty)
    REQUIRES(h->lock)
{
    if (base == end)
        return;
    struct span *s = fixed_take(&span_structs);
    s->base = base;
    s->npages = (end - base) / PAGE_BYTES;
    s->dirty_pages = dirty;
    store_rlx(&s->state, (uint32_t)SPAN_FREE);
    run_put(h, s);
}

/* Takes a run out of its bin, cut to [lo, hi); what is over stays. Counts what is cut off before, and
 * what is kept: mostly nothing, and a page or two of a long run. */
static void run_cut(struct heap *h, struct span *s, uintptr_t lo, uintptr_t hi) REQUIRES(h->lock)
{
    uintptr_t base = s->base, end = base + s->npages * PAGE_BYTES;
    size_t all = s->dirty_pages, before = dirty_count(base, (lo - base) / PAGE_BYTES);
    run_remove(h, s);
    s->base = lo;
    s->npages = (hi - lo) / PAGE_BYTES;
    s->dirty_pages = dirty_count(lo, s->npages);
    run_put_new(h, base, lo, before);
    run_put_new(h, hi, end, all - before - s->dirty_pages);
}

/* A run in the bin of npages that is long enough; only the first few are looked at. */
static struct span *bin_look(struct bins *bins, unsigned b, size_t npages)
{
    struct node *n = bins->bin[b].head.next;
    for (int i = 0; i < BIN_LOOKS && n != &bins->bin[b].head; i++, n = n->next) {
        struct span *s = container_of(n, struct span, node);
        if (s->npages >= npages)
            return s;
    }
    return NULL;
}

static struct span *run_find(struct bins *bins, size_t npages)
{
    unsigned b = bin_above(npages);
    struct span *s = bin_look(bins, bin_of(npages), npages);
    if (s != NULL)
        return s;
    uint64_t word = bins->filled[b / 64] & (~(uint64_t)0 << b % 64);
    for (unsigned w = b / 64;;) {
        if (word != 0) {
            struct list *l = &bins->bin[w * 64 + (unsigned)__builtin_ctzll(word)];
            return container_of(l->head.next, struct span, node);
        }
        if (++w == BIN_WORDS)
            return NULL;
        word = bins->filled[w];
    }
}

/* ---- taking and putting */

/* GODEBUG=harddecommit=1 took the rights away from pages that were given back. */
static void permit(struct span *s)
{
    int err = os_permit((void *)s->base, s->npages * PAGE_BYTES);
    if (err == -ENOMEM)
        throw("runtime: out of memory");
    if (err != 0)
        throw("runtime: cannot remap pages in address space");
}

/* Makes the first npages of a free run a span in use; returns how many bytes cost memory only now. */
static size_t run_use(struct heap *h, struct span *s, size_t npages, unsigned class,
                      enum obj_kind kind) REQUIRES(h->lock)
{
    run_cut(h, s, s->base, s->base + npages * PAGE_BYTES);
    size_t clean = arena_touch(s->base, npages);
    if (clean > 0 && knobs.harddecommit != 0)
        permit(s);
    s->needzero = clean < npages || h->lazily;
    use(h, (int64_t)npages);
    retain(h, (int64_t)clean);
    span_init(s, class, kind);
    store_rel(&s->state, (uint32_t)SPAN_IN_USE); /* pairs with arena_span */
    arena_set_span(s->base, npages, s);
    pagetrace_note(PAGETRACE_ALLOC, s->base, npages);
    return clean * PAGE_BYTES;
}

static struct span *heap_take(struct heap *h, size_t npages, unsigned class, enum obj_kind kind,
                              size_t *touched)
{
    lock(&h->lock);
    if (!h->ready)
        bins_init(h);
    struct span *s = run_find(&h->dirty, npages);
    if (s == NULL)
        s = run_find(&h->clean, npages);
    if (s != NULL)
        *touched = run_use(h, s, npages, class, kind);
    unlock(&h->lock);
    return s;
}

/* Huge pages are for heaps that are so large that walks over page tables count. Below that they were tried
 * and refused: where the memory is warm, first touches are four times as fast and random reads a tenth to a
 * third faster; but in a virtual machine whose host takes free memory back, a huge page is always cold, and
 * touching it cost three times as much as its small pages. A program that touches one word in 64 KiB
 * had 14 times as much resident. */
static void heap_extend(struct heap *h, size_t first_page, size_t end_page) REQUIRES(grow)
{
    uintptr_t base = first_page << PAGE_SHIFT, end = end_page << PAGE_SHIFT;
    if (base == end)
        return;
    if (mem_heap_sys() >= HEAP_HUGE_BYTES)
        os_want_huge_pages((void *)base, end - base);
    lock(&h->lock);
    arena_use(base, (end - base) / PAGE_BYTES);
    h->sys_pages += (end - base) / PAGE_BYTES;
    h->released_pages += (end - base) / PAGE_BYTES;
    run_put_new(h, base, end, 0);
    unlock(&h->lock);
}

/* Takes multiples of 4 MiB into use; reserves whole arenas. Returns the bytes, 0: refused. */
static size_t heap_grow(struct heap *h, size_t npages) REQUIRES(grow)
{
    size_t n = round_up(npages, GROW_PAGES);
    if (h->fresh_end - h->fresh < n) {
        size_t reserve = round_up(n * PAGE_BYTES, ARENA_BYTES);
        uintptr_t base = arena_reserve(reserve, h->noscan);
        if (base == 0)
            return 0;
        if (base >> PAGE_SHIFT != h->fresh_end) {
            heap_extend(h, h->fresh, h->fresh_end);
            h->fresh = base >> PAGE_SHIFT;
        }
        h->fresh_end = (base + reserve) >> PAGE_SHIFT;
    }
    heap_extend(h, h->fresh, h->fresh + n);
    h->fresh += n;
    return n * PAGE_BYTES;
}

struct span *pages_take(size_t npages, unsigned class, enum obj_kind kind)
{
    if (npages > HEAP_MAX / PAGE_BYTES)
        return NULL;
    struct heap *h = &heaps[kind != OBJ_NOSCAN];
    size_t touched = 0, grown = 0, more = 1;
    struct span *s = heap_take(h, npages, class, kind, &touched);
    if (s == NULL) {
        lock(&grow);
        while ((s = heap_take(h, npages, class, kind, &touched)) == NULL && more > 0)
            grown += more = heap_grow(h, npages);
        unlock(&grow);
    }
    if (touched > 0)
        scavenge_assist(grown);
    return s;
}

/* GODEBUG=efence=1: whoever still uses what lay there gets a fault. */
static void fence(struct span *s)
{
    os_decommit((void *)s->base, s->npages * PAGE_BYTES);
    os_forbid((void *)s->base, s->npages * PAGE_BYTES);
    fixed_put(&span_structs, s);
}

void pages_put(struct span *s)
{
    struct heap *h = &heaps[s->kind != OBJ_NOSCAN];
    CHECK(load_rlx(&s->state) == SPAN_IN_USE);
    span_fini(s); /* may fault pages of marks in: before the lock */
    lock(&h->lock);
    pagetrace_note(PAGETRACE_FREE, s->base, s->npages);
    store_rel(&s->state, (uint32_t)SPAN_FREE); /* pairs with arena_span */
    arena_set_span(s->base, s->npages, NULL);
    s->dirty_pages = s->npages;
    use(h, -(int64_t)s->npages);
    if (knobs.efence <= 0) {
        run_put(h, s);
        s = NULL;
    } else {
        dirty_clear(s->base, s->npages);
        h->fenced_pages += s->npages;
        retain(h, -(int64_t)s->npages);
    }
    unlock(&h->lock);
    if (s != NULL)
        fence(s);
}

/* ---- for the scavenger */

static struct span *longest_dirty(struct heap *h) REQUIRES(h->lock)
{
    for (unsigned w = BIN_WORDS; w-- > 0;) {
        uint64_t word = h->dirty.filled[w];
        if (word == 0)
            continue;
        struct list *l = &h->dirty.bin[w * 64 + 63 - (unsigned)__builtin_clzll(word)];
        return container_of(l->head.next, struct span, node);
    }
    return NULL;
}

/* Where to begin, so that [lo, end) is at most `bytes`, or a whole huge page: a part of one is given
 * back by splitting it, and then frees nothing until the rest goes too. */
static uintptr_t piece_start(struct heap *h, uintptr_t lo, uintptr_t end, size_t bytes)
    REQUIRES(h->lock)
{
    uintptr_t start = end - lo > bytes ? (end - bytes) & ~(uintptr_t)(os_page_bytes() - 1) : lo;
    uintptr_t huge = (end - 1) & ~(HUGE_PAGE_BYTES - 1);
    bool has_huge = h->sys_pages * PAGE_BYTES >= HEAP_HUGE_BYTES;
    return has_huge && huge >= lo && huge < start ? huge : start;
}

struct span *pages_take_dirty(unsigned heap, size_t bytes)
{
    struct heap *h = &heaps[heap];
    bytes = round_up(bytes, PAGE_BYTES);
    lock(&h->lock);
    struct span *s = longest_dirty(h);
    if (s != NULL) {
        uintptr_t lo = whole_lo(s);
        uintptr_t end = round_up(dirty_end(lo, whole_hi(s)), os_page_bytes());
        run_cut(h, s, piece_start(h, lo, end, bytes), end);
        h->away_pages += s->npages;
    }
    unlock(&h->lock);
    return s;
}

size_t pages_put_dirty(unsigned heap, struct span *s, enum released how)
{
    struct heap *h = &heaps[heap];
    lock(&h->lock);
    h->away_pages -= s->npages;
    s->dirty_pages = dirty_count(s->base, s->npages);
    size_t bytes = 0;
    if (how != RELEASED_NOT) {
        pagetrace_note(PAGETRACE_SCAVENGE, s->base, s->npages);
        bytes = s->dirty_pages * PAGE_BYTES;
        retain(h, -(int64_t)s->dirty_pages);
        dirty_clear(s->base, s->npages);
        s->dirty_pages = 0;
        h->lazily |= how == RELEASED_LAZILY;
    }
    run_put(h, s);
    unlock(&h->lock);
    return bytes;
}

/* ---- for a snapshot */

static void keep_from_child(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    bool *keep = arg;
    if (a->noscan)
        os_keep_from_child((void *)lo, hi - lo, *keep);
}

void mem_keep_from_child(bool keep)
{
    arena_each(keep_from_child, &keep);
}

/* ---- numbers */

void pages_usage(struct mem_usage *u)
{
    u->heap_sys = u->heap_inuse = u->heap_released = 0;
    for (int i = 0; i < PAGE_HEAPS; i++) {
        struct heap *h = &heaps[i];
        lock(&h->lock);
        u->heap_sys += h->sys_pages * PAGE_BYTES;
        u->heap_inuse += h->inuse_pages * PAGE_BYTES;
        u->heap_released += h->released_pages * PAGE_BYTES;
        unlock(&h->lock);
    }
}

uint64_t mem_heap_sys(void)
{
    struct mem_usage u;
    pages_usage(&u);
    return u.heap_sys;
}

uint64_t mem_heap_retained(void)
{
    return load_rlx(&retained_bytes);
}

bool pages_any_dirty(void)
{
    return load_rlx(&retained_bytes) > load_rlx(&inuse_bytes);
}

/* Pages of free runs; checks each run of a bin. */
static size_t bin_check(struct heap *h, struct bins *bins, unsigned b) REQUIRES(h->lock)
{
    size_t npages = 0;
    struct node *end = &bins->bin[b].head;
    for (struct node *n = end->next; n != end; n = n->next) {
        struct span *s = container_of(n, struct span, node);
        uintptr_t behind = s->base + s->npages * PAGE_BYTES;
        CHECK(load_rlx(&s->state) == SPAN_FREE && bin_of(s->npages) == b); /* 2 */
        CHECK(bins_for(h, s) == bins);                                     /* 2 */
        CHECK(run_at(h, s->base) == s && run_at(h, behind - 1) == s);
        CHECK(run_at(h, s->base - 1) == NULL && run_at(h, behind) == NULL); /* 1 */
        CHECK(s->dirty_pages == dirty_count(s->base, s->npages));           /* 4 */
        npages += s->npages;
    }
    CHECK((bins->filled[b / 64] >> b % 64 & 1) == (npages != 0)); /* 2 */
    return npages;
}

static void heap_check(struct heap *h) REQUIRES(h->lock)
{
    size_t free_pages = h->away_pages + h->fenced_pages;
    for (unsigned b = 0; h->ready && b < BINS; b++)
        free_pages += bin_check(h, &h->dirty, b) + bin_check(h, &h->clean, b);
    CHECK(free_pages + h->inuse_pages == h->sys_pages); /* 3 */
    CHECK(h->released_pages <= free_pages);             /* 4 */
}

void pages_check(void)
{
    for (int i = 0; i < PAGE_HEAPS; i++) {
        lock(&heaps[i].lock);
        heap_check(&heaps[i]);
        unlock(&heaps[i].lock);
    }
}
