/* gc_refused.h: for the programs gc_refused_*.c: the kernel refuses something that a way of collecting needs.
 * Another way is taken, and nothing is lost. */
#include "cycles.h"
#include <stdio.h>

enum { BEADS = 20000 };

static void work(gort_waitgroup *done)
{
    for (int i = 0; i < 20; i++)
        if (!beads_right(beads_new(1000), 1000))
            printf("LOST\n");
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    bead *l = beads_new(BEADS);
    gort_waitgroup done = {0};
    (void)argc;
    (void)argv;
    cycles_start(BEADS);
    gort_waitgroup_add(&done, 4);
    for (int i = 0; i < 4; i++)
        gort_go(work, &done);
    gort_waitgroup_wait(&done);
    while (cycles.count < 5)
        gort_gosched();
    cycles_stop();
    printf("%s\n", beads_right(l, BEADS) && beads_right(cycles.ballast, BEADS) ? "kept" : "LOST");
    return 0;
}
GORT_MAIN(run)
