/* GODEBUG=gcstoptheworld=2: what is dead is freed before the world goes on. So however soon after a collection
 * one looks, there is no more garbage than was made since. */
// env: GODEBUG=gctrace=1,gcstoptheworld=2
// expect-re: ^gc way: stopped$
// expect-re: ^gc \d+ @
// expect-re: ^swept$
// not: ^gc way: (?!stopped$)
// not: ^too much
// limit: 60
#include "gc_stopworld.h"

static int run(int argc, char **argv)
{
    static gort_mem_stats before, after;
    bead *ballast = beads_new(BALLAST);
    (void)argc;
    (void)argv;
    gort_gc();
    gort_read_mem_stats(&before);
    uint64_t most = before.heap_objects + STEP + 1000; /* a thousand of the runtime's own */
    for (int n = 0; n < COLLECTIONS;) {
        uint32_t last = before.num_gc;
        step();
        gort_read_mem_stats(&after);
        before.num_gc = after.num_gc;
        if (after.num_gc == last)
            continue;
        n++;
        if (after.heap_objects > most)
            fprintf(stderr, "too much is left: %d objects, of %d\n", (int)after.heap_objects,
                    (int)most);
    }
    fprintf(stderr, "%s\n", beads_right(ballast, BALLAST) ? "swept" : "LOST");
    return 0;
}
GORT_MAIN(run)
