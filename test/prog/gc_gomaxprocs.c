/* GOMAXPROCS changes all the time, while collections run and others allocate. */
// env: GODEBUG=clobberfree=1
// env: GOGC=20
// expect: kept
// limit: 60
#include "cycles.h"
#include <stdio.h>

enum { BEADS = 20000, WORKERS = 4, ROUNDS = 100 };
static int wrong;

static void work(gort_waitgroup *done)
{
    for (int i = 0; i < ROUNDS; i++)
        if (!beads_right(beads_new(500), 500))
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    bead *l = beads_new(BEADS);
    gort_waitgroup done = {0};
    (void)argc;
    (void)argv;
    cycles_start(BEADS);
    gort_waitgroup_add(&done, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        gort_go(work, &done);
    for (int i = 0; i < ROUNDS; i++) {
        gort_gomaxprocs(1 + i * 5 % 8);
        gort_gosched();
    }
    gort_waitgroup_wait(&done);
    cycles_stop();
    printf("%s\n",
           !wrong && beads_right(l, BEADS) && beads_right(cycles.ballast, BEADS) ? "kept" : "LOST");
    return 0;
}
GORT_MAIN(run)
