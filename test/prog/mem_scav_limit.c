/* With GOMEMLIMIT, what one phase left free is given back when the next wants other pages. */
// no-fault: vm_decommit
// Without dirty pages a child marks, whom nobody can help (gc_memlimit.c).
// no-fault: pagemap_open pagemap_scan uffd_open uffd_api uffd_register
// env: GOMEMLIMIT=96MiB
// env: GOGC=off
// expect: below the limit
// skip-on: asan tsan
#include <gort.h>
#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_mem_stats st;
    uint64_t most = 0;
    for (int phase = 0; phase < 40; phase++) {
        for (int i = 0; i < 200; i++) {
            size_t bytes = 40000 + 7000 * (size_t)phase;
            memset(phase % 2 ? gort_alloc(bytes) : gort_alloc_noscan(bytes), 0, bytes);
        }
        gort_read_mem_stats(&st);
        if (st.sys - st.heap_released > most)
            most = st.sys - st.heap_released;
    }
    if (most <= 120 << 20) /* two phases without giving back are 170 MiB */
        puts("below the limit");
    else
        printf("at most %zu MiB\n", (size_t)most >> 20);
    return 0;
}
GORT_MAIN(run)
