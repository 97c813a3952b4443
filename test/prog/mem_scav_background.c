/* After a peak free pages go back by themselves. */
// no-fault: vm_decommit
// expect: gone back
// limit: 60
// skip-on: arm64
#include <gort.h>
#include <stdio.h>
#include <string.h>

__attribute__((noinline)) static void peak(void)
{
    static char *all[128];
    for (int i = 0; i < 128; i++) {
        all[i] = gort_alloc_noscan(1 << 20);
        memset(all[i], 1, 1 << 20);
    }
    memset(all, 0, sizeof all);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_mem_stats st;
    peak();
    do {
        gort_gc(); /* the goal follows what is in use */
        gort_sleep(20 * 1000000);
        gort_read_mem_stats(&st);
    } while (st.heap_sys - st.heap_released > 64 << 20);
    puts("gone back");
    return 0;
}
GORT_MAIN(run)
