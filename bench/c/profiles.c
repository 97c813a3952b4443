/* profiles.c: what sampling of waits costs, and how long it takes to write a profile. */
#include "rows.h"

#include <gort/pprof.h>
#include <gort/prof.h>

#include <fcntl.h>
#include <unistd.h>

/* As one would leave it on, and with every event. */
enum { BLOCK_RATE_NS = 10000, MUTEX_FRACTION = 100 };

void chan_sampled(int64_t n)
{
    gort_set_block_profile_rate(BLOCK_RATE_NS);
    chan_round_trip(n);
}

void chan_profiled(int64_t n)
{
    gort_set_block_profile_rate(1);
    chan_round_trip(n);
}

void mutex_sampled(int64_t n)
{
    gort_set_block_profile_rate(BLOCK_RATE_NS);
    gort_set_mutex_profile_fraction(MUTEX_FRACTION);
    mutex_64(n);
}

void mutex_profiled(int64_t n)
{
    gort_set_block_profile_rate(1);
    gort_set_mutex_profile_fraction(1);
    mutex_64(n);
}

/* 2^depth stacks: each bit says which of two functions calls next. */
static void *volatile sink;
static __attribute__((noinline)) int left(int depth, unsigned bits);

static __attribute__((noinline)) int right(int depth, unsigned bits)
{
    if (depth == 0)
        sink = gort_alloc_noscan(64);
    else
        return ((bits & 1) != 0 ? left : right)(depth - 1, bits >> 1) + 1;
    return 1;
}

static int left(int depth, unsigned bits)
{
    if (depth == 0)
        sink = gort_alloc_noscan(64);
    else
        return ((bits & 1) != 0 ? left : right)(depth - 1, bits >> 1) + 2;
    return 2;
}

/* n profiles of the heap, of 16384 stacks. */
void write_heap(int64_t n)
{
    enum { DEPTH = 14 };
    int null = open("/dev/null", O_WRONLY);
    gort_mem_profile_rate = 1;
    for (unsigned i = 0; i < 1u << DEPTH; i++)
        left(DEPTH, i);
    gort_gc();
    int64_t t0 = gort_nanotime();
    for (int64_t i = 0; i < n; i++)
        check(gort_pprof_write("heap", null, 0) == 0, "the profile cannot be written");
    figures.total_ms = (double)(gort_nanotime() - t0) / 1e6;
    close(null);
}
