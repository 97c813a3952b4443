/* What a child marked counts: the next collection waits until the heap has grown. */
// env: GODEBUG=gcway=2
// expect: live heap seen
// skip-on: arm64
// no-fault: clone_child vm_map_shared child_wait
#include <gort.h>
#include <stdio.h>

enum { BLOCKS = 16 };

static int run(int argc, char **argv)
{
    static void *keep[BLOCKS];
    gort_mem_stats stats;
    (void)argc;
    (void)argv;
    for (int i = 0; i < BLOCKS; i++)
        keep[i] = gort_alloc(1 << 20);
    gort_gc();
    gort_read_mem_stats(&stats);
    puts(stats.next_gc > (uint64_t)BLOCKS << 20 ? "live heap seen" : "next_gc too small");
    return keep[0] == NULL;
}
GORT_MAIN(run)
