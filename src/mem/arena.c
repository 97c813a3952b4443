/* arena.c: the heap's address space, and the way from any word to an object.
 *
 * Owns    the arenas (64 MiB each, aligned to their size), the map from an address to its arena,
 *         for each page of an arena its entry and whether it was ever written to, and where the
 *         marks of a span are.
 * Holds   1. a page of a span in use has an entry with PE_IN_USE, which says what lies there; of a
 *            free run only the first and last page have one, without it (so that neighbours can
 *            merge), the others 0.
 *         2. a page whose bit in `dirty` is clear reads as zero and costs no memory.
 *         3. an arena is pointer-free or not for good, and in use from its base to used_end.
 * Locks   the map and the entries are atomic and read by anyone; entries, used_end and dirty bits
 *         are written under the lock of pages.c.
 * Order   arena_set_span publishes an initialised span by store_rel, which page_entry reads by
 *         load_acq; arena_add so publishes an arena to arena_of and arena_each.
 * Instead of one huge reservation: limits on address space (RLIMIT_AS, strict overcommit)
 *         refuse it. The map's 32 MiB are touched where there are arenas. Marks lie together and
 *         not in the span's own pages, so that marking dirties no page of the heap.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"
#include "base/track.h"

#include <string.h>

#define MAP_BYTES (((size_t)1 << (ADDRESS_BITS - ARENA_SHIFT)) * sizeof(aptr))
aptr *arena_map;
static aptr newest; /* struct arena; the others by `next` */
static bool share_marks;

void arena_init(void)
{
    arena_map = os_reserve(MAP_BYTES);
    if (arena_map == NULL)
        throw("runtime: cannot reserve arena virtual address space");
}

void mem_share_marks(void)
{
    CHECK(load_acq(&newest) == NULL); /* pairs with arena_add */
    share_marks = true;
}

static au64 *entry_of(uintptr_t addr)
{
    return &arena_of(addr)->page[(addr >> PAGE_SHIFT) % ARENA_PAGES];
}

static struct page_meta *meta_new(void)
{
    size_t bytes = ARENA_PAGES * sizeof(struct page_meta);
    if (!share_marks)
        return persist_alloc_for(bytes, 64, SYS_GC);
    struct page_meta *meta = os_map_shared(bytes);
    if (meta == NULL)
        throw("out of memory allocating heap arena metadata");
    memstat_add(SYS_GC, (int64_t)bytes);
    return meta;
}

/* Under `grow` of pages.c: there is one writer. */
static void arena_add(uintptr_t base, bool noscan)
{
    struct arena *a = persist_alloc_for(sizeof *a, 64, SYS_GC);
    a->base = base;
    a->noscan = noscan;
    a->meta = meta_new();
    store_rlx(&a->used_end, (uint64_t)base);
    a->next = load_rlx(&newest);
    store_rel(&arena_map[base >> ARENA_SHIFT], (void *)a); /* pairs with arena_of */
    store_rel(&newest, (void *)a);                         /* pairs with arena_each */
}

/* Asks for more and cuts off both ends; the kernel aligns to its own pages only. */
static uintptr_t reserve_aligned(size_t bytes)
{
    if (bytes + ARENA_BYTES < bytes)
        return 0;
    char *p = os_reserve(bytes);
    if (p == NULL || (uintptr_t)p % ARENA_BYTES == 0)
        return (uintptr_t)p;
    os_unmap(p, bytes);
    p = os_reserve(bytes + ARENA_BYTES);
    if (p == NULL)
        return 0;
    size_t head = -(uintptr_t)p % ARENA_BYTES;
    if (head > 0)
        os_unmap(p, head);
    if (head < ARENA_BYTES)
        os_unmap(p + head + bytes, ARENA_BYTES - head);
    return (uintptr_t)p + head;
}

uintptr_t arena_reserve(size_t bytes, bool noscan)
{
    DCHECK(bytes % ARENA_BYTES == 0);
    uintptr_t base = reserve_aligned(bytes);
    if (base == 0)
        return 0;
    if (base >= HEAP_MAX || bytes > HEAP_MAX - base) {
        os_unmap((void *)base, bytes);
        return 0;
    }
    for (size_t at = 0; at < bytes; at += ARENA_BYTES)
        arena_add(base + at, noscan);
    return base;
}

void arena_use(uintptr_t base, size_t npages)
{
    uintptr_t end = base + npages * PAGE_BYTES;
    while (base < end) {
        struct arena *a = arena_of(base);
        uintptr_t to = end < a->base + ARENA_BYTES ? end : a->base + ARENA_BYTES;
        CHECK(load_rlx(&a->used_end) == base); /* 3 */
        track_roots(base, to);
        store_rel(&a->used_end, (uint64_t)to); /* pairs with arena_each */
        base = to;
    }
}

void arena_each(void (*fn)(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg), void *arg)
{
    for (struct arena *a = load_acq(&newest); a != NULL; a = a->next) { /* arena_add */
        uintptr_t hi = load_acq(&a->used_end);                          /* arena_use */
        if (hi > a->base)
            fn(a, a->base, hi, arg);
    }
}

/* In place: spans name it. */
static void unshare(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    size_t bytes = ARENA_PAGES * sizeof(struct page_meta);
    struct page_meta *own = os_map(bytes);
    (void)lo, (void)hi, (void)arg;
    if (own == NULL)
        throw("out of memory allocating heap arena metadata");
    memcpy(own, a->meta, bytes);
    if (os_move(own, a->meta, bytes) != 0)
        throw("out of memory allocating heap arena metadata");
}

void mem_unshare_marks(void)
{
    arena_each(unshare, NULL);
}

/* The entry of a span's first page; of the second and those of a small span behind it, by adding. */
static uint64_t entry_make(const struct span *s)
{
    return (uint64_t)(uintptr_t)s | (uint64_t)s->class << PE_CLASS_SHIFT |
           (uint64_t)s->kind << PE_KIND_SHIFT | (uint64_t)1 << PE_IN_USE_SHIFT;
}

void arena_set_span(uintptr_t base, size_t npages, struct span *s)
{
    uint64_t e = s == NULL ? 0 : entry_make(s);
    for (size_t i = 0; i < npages; i++) {
        store_rel(entry_of(base + i * PAGE_BYTES), e); /* pairs with page_entry */
        if (s != NULL && (s->class != 0 || i == 0))
            e += (uint64_t)1 << PE_PAGE_SHIFT;
    }
}

void arena_set_free(uintptr_t addr, struct span *s)
{
    store_rel(entry_of(addr), (uint64_t)(uintptr_t)s); /* pairs with page_entry */
}

struct span *arena_tag(uintptr_t addr)
{
    return pe_span(page_entry(addr));
}

size_t arena_touch(uintptr_t base, size_t npages)
{
    size_t clean = 0;
    for (size_t i = 0; i < npages; i++) {
        uintptr_t addr = base + i * PAGE_BYTES;
        size_t page = (addr >> PAGE_SHIFT) % ARENA_PAGES;
        uint64_t *word = &arena_of(addr)->dirty[page / 64];
        uint64_t bit = (uint64_t)1 << page % 64;
        clean += (*word & bit) == 0;
        *word |= bit;
    }
    return clean;
}

struct span *arena_span(uintptr_t word)
{
    uint64_t e = page_entry(word);
    return pe_in_use(e) ? pe_span(e) : NULL;
}

bool arena_find_object(uintptr_t word, struct object *o)
{
    struct span *s = arena_span(word);
    if (s == NULL)
        return false;
    uint32_t slot = span_slot_of(s, word);
    if (slot >= s->nslots || !span_slot_taken(s, slot))
        return false;
    o->base = s->base + slot * s->slot_bytes;
    o->bytes = s->slot_bytes;
    o->span = s;
    o->slot = slot;
    return true;
}
