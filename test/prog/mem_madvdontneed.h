/* mem_madvdontneed.h: frees 64 MiB, gives them back, and looks how. */
#ifndef TEST_PROG_MEM_MADVDONTNEED_H
#define TEST_PROG_MEM_MADVDONTNEED_H

#include <gort.h>
#include <gort/debug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t lazy_kib(void)
{
    char line[256];
    size_t kib = 0;
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    while (f != NULL && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "LazyFree: %zu kB", &kib);
    if (f != NULL)
        fclose(f);
    return kib;
}

static char *all[64]; /* together, then none */

static void fill_zeroed(void)
{
    for (int i = 0; i < 64; i++) {
        char *p = all[i] = gort_alloc_noscan(1 << 20);
        for (size_t k = 0; k < 1 << 20; k += 64)
            if (p[k] != 0)
                abort();
        memset(p, 1, 1 << 20);
    }
    memset(all, 0, sizeof all);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_mem_stats st;
    fill_zeroed();
    gort_debug_free_os_memory();
    gort_read_mem_stats(&st);
    puts(st.heap_idle - st.heap_released < 4 << 20 ? "released" : "held");
    puts(lazy_kib() > 16 << 10 ? "lazily" : "at once");
    fill_zeroed();
    puts("zeroed");
    return 0;
}
GORT_MAIN(run)

#endif
