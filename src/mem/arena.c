/* arena.c: the heap's address space, and the way from any word to an object.
 *
 * Owns    the arenas (64 MiB each, aligned to their size), the map from an address to its arena,
 *         and for each page of an arena its span and whether it was ever written to.
 * Holds   1. a page of a span in use has that span in arena.span; of a free run only the first and
 *            last page have it (so that neighbours can merge), the others NULL.
 *         2. a page whose bit in `dirty` is clear reads as zero and costs no memory.
 * Locks   the map and the span entries are atomic and read by anyone; entries and dirty bits are
 *         written under the lock of pages.c.
 * Order   arena_set_span publishes an initialised span by store_rel, which arena_span reads by
 *         load_acq.
 * Instead of one huge reservation: limits on address space (RLIMIT_AS, strict overcommit)
 *         refuse it. The map's 32 MiB are touched where there are arenas.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"

struct arena {
    /* lock+atomic (pages): */
    aptr span[ARENA_PAGES];
    /* lock (pages): */
    uint64_t dirty[ARENA_PAGES / 64];
};

#define MAP_BYTES (((size_t)1 << (ADDRESS_BITS - ARENA_SHIFT)) * sizeof(aptr))
static aptr *arena_map; /* const after arena_init */

void arena_init(void)
{
    arena_map = os_reserve(MAP_BYTES);
    if (arena_map == NULL)
        throw("runtime: cannot reserve arena virtual address space");
}

static struct arena *arena_of(uintptr_t addr)
{
    return load_acq(&arena_map[addr >> ARENA_SHIFT]); /* pairs with arena_add */
}

static aptr *arena_entry(struct arena *a, uintptr_t addr)
{
    return &a->span[(addr >> PAGE_SHIFT) % ARENA_PAGES];
}

static void arena_add(uintptr_t base)
{
    struct arena *a = persist_alloc_for(sizeof *a, 64, SYS_GC);
    store_rel(&arena_map[base >> ARENA_SHIFT], (void *)a); /* pairs with arena_of */
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

uintptr_t arena_reserve(size_t bytes)
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
        arena_add(base + at);
    return base;
}

void arena_set_span(uintptr_t base, size_t npages, struct span *s)
{
    for (size_t i = 0; i < npages; i++) {
        uintptr_t addr = base + i * PAGE_BYTES;
        store_rel(arena_entry(arena_of(addr), addr), (void *)s); /* pairs with arena_span */
    }
}

struct span *arena_tag(uintptr_t addr)
{
    if (addr >= HEAP_MAX)
        return NULL;
    struct arena *a = arena_of(addr);
    return a == NULL ? NULL : load_acq(arena_entry(a, addr)); /* pairs with arena_set_span */
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
    struct span *s = arena_tag(word);
    return s != NULL && load_acq(&s->state) == SPAN_IN_USE ? s : NULL; /* pairs with pages_take */
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
