/* 100,000 goroutines wait, each with an object in its frame only: a collection finds all of them. */
// env: GODEBUG=clobberfree=1
// expect: kept: 100000
// skip-on: hostile arm64 tsan asan
// limit: 120
#include "cycles.h"
#include <stdio.h>
#include <string.h>

enum { MANY = 100000 };

static gort_waitgroup started, ended;
static gort_chan *go_on;
static int right;

static void waits(uint64_t number)
{
    bead *volatile mine = beads_new(1);
    mine->number = number;
    gort_waitgroup_done(&started);
    gort_chan_recv(go_on, NULL);
    if (mine->number == number)
        __atomic_fetch_add(&right, 1, __ATOMIC_RELAXED);
    gort_waitgroup_done(&ended);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    go_on = gort_make_chan(int, 0);
    gort_waitgroup_add(&started, MANY);
    gort_waitgroup_add(&ended, MANY);
    for (uint64_t i = 0; i < MANY; i++)
        gort_go(waits, i);
    gort_waitgroup_wait(&started);
    for (int round = 0; round < 3; round++) {
        gort_gc();
        for (int i = 0; i < MANY; i++)
            memset(gort_alloc(sizeof(bead)), 0x55, sizeof(bead));
    }
    gort_chan_close(go_on);
    gort_waitgroup_wait(&ended);
    printf("kept: %d\n", right);
    return 0;
}
GORT_MAIN(run)
