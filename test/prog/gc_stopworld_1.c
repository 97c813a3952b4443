/* GODEBUG=gcstoptheworld=1: nothing runs while marking. So the heap is as large at its end as it was at its
 * beginning, nobody assists, and no processor is idle. What is set last counts, and what is no number does
 * not. */
// env: GODEBUG=gctrace=1,gcway=1,gcstoptheworld=0,gcstoptheworld=1,gcstoptheworld=on,gcstoptheworld=
// expect-re: ^gc way: stopped$
// expect-re: ^gc \d+ @
// expect-re: ^gc \d+ @
// expect-re: ^gc \d+ @
// expect-re: ^kept$
// not: ^gc way: (?!stopped$)
// not: ^gc \d+ @.* ms clock, [\d.]+\+(?!0/)
// not: ^gc \d+ @.* ms clock, [\d.]+\+[\d.]+/[\d.]+/(?!0\+)
// not: ^gc \d+ @.* ms cpu, (\d+)->(?!\1->)
// limit: 60
#include "gc_stopworld.h"

static _Atomic int over;

static void allocator(gort_waitgroup *done)
{
    while (!over)
        step();
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    gort_waitgroup done = {0};
    bead *ballast = beads_new(BALLAST);
    (void)argc;
    (void)argv;
    uint32_t first = collections();
    gort_waitgroup_add(&done, ALLOCATORS);
    for (int i = 0; i < ALLOCATORS; i++)
        gort_go(allocator, &done);
    while (collections() < first + COLLECTIONS)
        gort_gosched();
    over = 1;
    gort_waitgroup_wait(&done);
    fprintf(stderr, "%s\n", beads_right(ballast, BALLAST) ? "kept" : "LOST");
    return 0;
}
GORT_MAIN(run)
