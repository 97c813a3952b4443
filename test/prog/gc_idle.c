/* While a collection runs, all goroutines may wait for it: that is no deadlock. The collector's threads are
 * no goroutines. And what nothing will ever wake is a deadlock, also right after collections. */
// exit: 2
// expect-re: ^collected: 1 goroutine$
// expect-re: ^all waited: 1 goroutine$
// expect-re: ^fatal error: all goroutines are asleep - deadlock!$
// limit: 60
#include "cycles.h"
#include <stdio.h>

enum { GOROUTINES = 20, ROUNDS = 50 };

static void wait_for_cycles(gort_waitgroup *done)
{
    for (int i = 0; i < ROUNDS; i++)
        gort_gc();
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    gort_waitgroup done = {0};
    (void)argc;
    (void)argv;
    cycles.ballast = beads_new(1000);
    for (int i = 0; i < ROUNDS; i++)
        gort_gc();
    printf("collected: %d goroutine\n", gort_num_goroutine());
    gort_waitgroup_add(&done, GOROUTINES);
    for (int i = 0; i < GOROUTINES; i++)
        gort_go(wait_for_cycles, &done);
    gort_waitgroup_wait(&done);
    while (gort_num_goroutine() > 1)
        gort_gosched();
    printf("all waited: %d goroutine\n", gort_num_goroutine());
    fflush(stdout);
    gort_chan_recv(gort_make_chan(int, 0), NULL);
    return 0;
}
GORT_MAIN(run)
