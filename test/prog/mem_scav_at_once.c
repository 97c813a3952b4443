/* GODEBUG=scavenge=1: a collection gives all free pages back at once. */
// no-fault: vm_decommit
// env: GODEBUG=scavenge=1
// expect: gone back
#include <gort.h>
#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_mem_stats st;
    for (int i = 0; i < 64; i++)
        memset(gort_alloc_noscan(1 << 20), i, 1 << 20);
    gort_gc();
    gort_gc();
    gort_read_mem_stats(&st);
    puts(st.heap_idle - st.heap_released < 4 << 20 ? "gone back" : "held");
    return 0;
}
GORT_MAIN(run)
