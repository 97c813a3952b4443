/* spawn.c: goroutines made, switched and parked. */
#include "rows.h"

#include <stdatomic.h>

static void finish(gort_waitgroup *wg)
{
    gort_waitgroup_done(wg);
}

void spawn_million(int64_t n)
{
    gort_waitgroup wg = {0};
    gort_waitgroup_add(&wg, (int)n);
    for (int64_t i = 0; i < n; i++)
        gort_go(finish, &wg);
    gort_waitgroup_wait(&wg);
}

void spawn_one(int64_t n)
{
    gort_waitgroup wg = {0};
    for (int64_t i = 0; i < n; i++) {
        gort_waitgroup_add(&wg, 1);
        gort_go(finish, &wg);
        gort_waitgroup_wait(&wg);
    }
}

void spawn_batch(int64_t n)
{
    for (int64_t left = n; left > 0; left -= 1000)
        spawn_million(1000);
}

static void yielder(int64_t n, gort_waitgroup *wg)
{
    for (int64_t i = 0; i < n; i++)
        gort_gosched();
    gort_waitgroup_done(wg);
}

static void yield_ring(int width, int64_t n)
{
    gort_waitgroup wg = {0};
    gort_waitgroup_add(&wg, width);
    for (int i = 0; i < width; i++)
        gort_go(yielder, n / width, &wg);
    gort_waitgroup_wait(&wg);
}

void yield_2(int64_t n)
{
    yield_ring(2, n);
}

void yield_1000(int64_t n)
{
    yield_ring(1000, n);
}

static _Atomic int64_t parked;
static gort_chan *parked_on;

static void park_one(void)
{
    atomic_fetch_add(&parked, 1);
    gort_chan_recv(parked_on, NULL);
}

/* Creates n goroutines that wait on a channel, and weighs them: resident memory and the page
 * tables that go with it. They never run again. */
void park_many(int64_t n)
{
    parked_on = gort_make_chan(int64_t, 0);
    int64_t before = status_kib("VmRSS:") + status_kib("VmPTE:");
    int64_t t0 = gort_nanotime();
    for (int64_t i = 0; i < n; i++)
        gort_go(park_one);
    while (atomic_load(&parked) < n)
        gort_gosched();
    figures.total_ms = (double)(gort_nanotime() - t0) / 1e6;
    int64_t after = status_kib("VmRSS:") + status_kib("VmPTE:");
    figures.bytes_each = (double)(after - before) * 1024 / (double)n;
}
