/* sweep.c: objects die.
 *
 * Owns    what happens to the slots of a span that marking did not reach, and how many there were.
 *         Which span's turn it is, is mem/central.c's; what the bits mean, mem/span.c's.
 * Holds   1. an object is counted in `freed` exactly once, when its span is swept.
 *         2. what its specials ask for is done while the object is whole; then it is shown to who
 *            watches, then overwritten, then its slot is free.
 *         3. a span with nothing alive goes back to the page heap.
 * Locks   none: a span has one sweeper at a time (mem/central.c, invariant 2). Counters are atomic.
 * Instead of a list of free slots built here: turning over a word of marks frees 64 slots, and
 *         what was dead is not touched until it is used again.
 */
#include "gc/gc_int.h"

#include "base/track.h"
#include "conf/conf.h"
#include "gc/taps.h"
#include "mem/up.h"

enum { SWEEP_SLICE = 16 }; /* spans between two looks whether somebody else is faster */

static au64 freed[CLASSES];
static au64 freed_large_bytes;

static void clobber(uintptr_t addr, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += sizeof(uint32_t))
        *(uint32_t *)(addr + at) = 0xdeadbeef;
}

static void slot_dies(struct span *s, uint32_t slot)
{
    uintptr_t addr = s->base + slot * s->slot_bytes;
    if (load_rlx(&gc_watch_frees) != 0)
        gc_watch_free(addr, s->slot_bytes);
    if (knobs.clobberfree != 0) {
        track_raw(addr, s->slot_bytes);
        clobber(addr, s->slot_bytes);
    }
    track_dead(addr, s->slot_bytes);
}

static COLD void each_dead_slot(struct span *s)
{
    for (unsigned w = 0; w < span_words(s); w++)
        for (uint64_t dead = span_dead(s, w); dead != 0; dead &= dead - 1)
            slot_dies(s, w * 64 + (uint32_t)__builtin_ctzll(dead));
}

static bool has_specials(struct span *s)
{
    au32 *state = &arena_of(s->base)->state[(s->base >> PAGE_SHIFT) % ARENA_PAGES];
    return (load_acq(state) & PAGE_SPECIALS) != 0; /* pairs with special.c */
}

static void count(struct span *s, uint32_t n)
{
    if (n == 0)
        return;
    add_rlx(&freed[s->class], (uint64_t)n);
    if (s->class == 0)
        add_rlx(&freed_large_bytes, (uint64_t)s->slot_bytes);
}

bool gc_sweep_span(struct span *s)
{
    uint64_t bytes = (uint64_t)s->nslots * s->slot_bytes;
    tap_sweep_begin();
    if (unlikely(has_specials(s)))
        specials_sweep(s);
    if (unlikely(load_rlx(&gc_watch_frees) != 0 || knobs.clobberfree != 0 ||
                 track_is(TRACK_MEMORY)))
        each_dead_slot(s);
    struct span_left left = span_turn(s);
    count(s, left.freed);
    tap_sweep_end(bytes, (uint64_t)left.freed * s->slot_bytes);
    if (left.alive > 0)
        return true;
    pages_put(s);
    return false;
}

void sweep_all(void)
{
    while (mem_sweep(SWEEP_SLICE) > 0) {
    }
    while (!mem_sweep_done())
        os_thread_yield(); /* others are busy with the last ones */
}

void sweep_counts(struct sweep_counts *c)
{
    for (unsigned i = 0; i < CLASSES; i++)
        c->freed[i] = load_acq(&freed[i]);               /* as the next */
    c->freed_large_bytes = load_acq(&freed_large_bytes); /* before what is taken: gc_read_heap */
}
