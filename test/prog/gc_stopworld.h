/* gc_stopworld.h: for the programs gc_stopworld_*.c: something to mark, and goroutines that allocate all the
 * time, so that collections begin by themselves. */
#include "cycles.h"
#include <stdio.h>

enum { BALLAST = 200000, ALLOCATORS = 2, GARBAGE_BYTES = 64, STEP = 1000, COLLECTIONS = 6 };

/* Garbage, n objects of it. */
static void drop(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        *(volatile char *)gort_alloc_noscan(GARBAGE_BYTES) = 1;
}

static void step(void)
{
    drop(STEP);
}

static uint32_t collections(void)
{
    static gort_mem_stats stats;
    gort_read_mem_stats(&stats);
    return stats.num_gc;
}
