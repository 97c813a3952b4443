/* scavenge.c: free pages go back to the system.
 *
 * Owns    how pages are given back (GODEBUG madvdontneed, harddecommit), the two goals that say how
 *         many, and the counts of GODEBUG=scavtrace=1.
 * Holds   1. a piece that is being given back belongs to who took it: no lock is held over the
 *            kernel's work, and nobody finds the piece in the heap.
 * Locks   none of its own; pages.c takes that of the heap for each piece.
 * Goals   `retain` bounds mem_heap_retained: what the next cycle will need, and a tenth more. `limit`
 *         bounds mem_mapped_ready; the background begins at 95% of it, an allocation that goes beyond
 *         gives back itself what is over.
 * Order   of pieces: longest run first, from its end, since allocation takes runs from their start.
 *         Go's order, highest address first, wants a search by address, which the bins have not.
 */
#include "mem/mem.h"
#include "mem/mem_int.h"

#include "base/check.h"
#include "base/fmt.h"
#include "conf/conf.h"

#include <errno.h>

static struct {
    /* atomic: */
    au64 retain, limit;
    au32 lazily_refused; /* the kernel has no MADV_FREE */
    au32 refused;        /* the kernel gave an error: nobody tries by itself until the next cycle */
    au64 background_bytes, forced_bytes;
    ai64 assist_ns;
    struct note work; /* raised when the background may have something to do */
} scav = {.retain = {UINT64_MAX}, .limit = {UINT64_MAX}};

static enum released give_back(void *p, size_t bytes)
{
    if (knobs.madvdontneed == 0 && load_rlx(&scav.lazily_refused) == 0) {
        if (os_decommit_lazily(p, bytes) == 0)
            return RELEASED_LAZILY;
        store_rlx(&scav.lazily_refused, 1u);
    }
    return os_decommit(p, bytes) == 0 ? RELEASED_ZEROED : RELEASED_NOT;
}

static void forbid(void *p, size_t bytes)
{
    int err = os_forbid(p, bytes);
    if (err == -ENOMEM)
        throw("runtime: out of memory");
    if (err != 0)
        throw("runtime: cannot disable permissions in address space");
}

static size_t scavenge_piece(unsigned heap, struct span *s)
{
    void *p = (void *)s->base;
    size_t bytes = s->npages * PAGE_BYTES;
    enum released how = give_back(p, bytes);
    if (how == RELEASED_NOT)
        store_rlx(&scav.refused, 1u);
    else if (knobs.harddecommit != 0)
        forbid(p, bytes);
    return pages_put_dirty(heap, s, how);
}

static size_t scavenge_heap(unsigned heap, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        size_t left = bytes - done;
        struct span *s = pages_take_dirty(
            heap, left < SCAVENGE_PIECE_BYTES ? left : (size_t)SCAVENGE_PIECE_BYTES);
        size_t n = s == NULL ? 0 : scavenge_piece(heap, s);
        if (n == 0)
            break;
        done += n;
    }
    return done;
}

size_t scavenge_some(size_t bytes)
{
    size_t done = 0;
    for (unsigned h = 0; h < PAGE_HEAPS && done < bytes; h++)
        done += scavenge_heap(h, bytes - done);
    return done;
}

size_t scavenge_all(void)
{
    size_t done = scavenge_some(mem_heap_retained()); /* more is not there now */
    store_rlx(&scav.forced_bytes, (uint64_t)done);
    return done;
}

static void wake(void)
{
    if (load_rlx(&scav.work.raised) == 0)
        note_wake(&scav.work);
}

void scavenge_goal(uint64_t retain_bytes)
{
    store_rlx(&scav.retain, retain_bytes);
    store_rlx(&scav.refused, 0u);
    wake();
}

void scavenge_limit(uint64_t bytes)
{
    store_rlx(&scav.limit, bytes);
    wake();
}

static uint64_t excess(uint64_t have, uint64_t goal)
{
    return have > goal ? have - goal : 0;
}

static uint64_t larger(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t over_retain(void)
{
    return excess(mem_heap_retained(), load_rlx(&scav.retain));
}

static uint64_t over_soft_limit(void)
{
    uint64_t limit = load_rlx(&scav.limit);
    return excess(mem_mapped_ready(), limit - limit / 20);
}

void scavenge_assist(size_t grown)
{
    uint64_t growth = over_retain();
    uint64_t over = excess(mem_mapped_ready(), load_rlx(&scav.limit));
    if (load_rlx(&scav.refused) != 0 || !pages_any_dirty())
        return;
    over = larger(over, growth < grown ? growth : grown);
    if (over > 0) {
        int64_t began = os_nanotime();
        scavenge_some(larger(over, SCAVENGE_STEP_BYTES));
        add_rlx(&scav.assist_ns, os_nanotime() - began);
    } else if (over_soft_limit() > 0)
        wake();
}

size_t scavenge_background(size_t bytes)
{
    uint64_t over = larger(over_retain(), over_soft_limit());
    if (over == 0 || load_rlx(&scav.refused) != 0)
        return 0;
    size_t done = scavenge_some(over < bytes ? larger(over, SCAVENGE_STEP_BYTES) : bytes);
    add_rlx(&scav.background_bytes, (uint64_t)done);
    return done;
}

int64_t scavenge_assist_ns(void)
{
    return load_rlx(&scav.assist_ns);
}

void scavenge_sleep(void)
{
    note_sleep(&scav.work);
    note_clear(&scav.work);
}

void scavenge_trace(bool forced)
{
    struct mem_usage u;
    pages_usage(&u);
    uint64_t work =
        forced ? load_rlx(&scav.forced_bytes) : swap_acq_rel(&scav.background_bytes, (uint64_t)0);
    uint64_t retained = u.heap_sys - u.heap_released;
    print("scav %u KiB work, %u KiB total, %u%% util%s\n", work / KIB, u.heap_released / KIB,
          retained == 0 ? (uint64_t)0 : u.heap_inuse * 100 / retained, forced ? " (forced)" : "");
}
