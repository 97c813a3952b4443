/* debug.FreeOSMemory: what is free costs no memory any more, and what is used keeps its contents. */
// no-fault: vm_decommit
// expect: released
// expect: smaller
// expect: kept
// skip-on: asan
#include <gort.h>
#include <gort/debug.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BLOCKS = 128, BYTES = 1 << 20 };

static size_t resident(void)
{
    size_t size = 0, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (fscanf(f, "%zu %zu", &size, &pages) != 2)
        pages = 0;
    fclose(f);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static char *kept[BLOCKS];

__attribute__((noinline)) static void fill(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        kept[i] = gort_alloc_noscan(BYTES);
        memset(kept[i], i + 1, BYTES);
    }
    for (int i = 0; i < BLOCKS; i++)
        if (i % 8 != 0)
            kept[i] = NULL;
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_mem_stats st;
    fill();
    size_t before = resident();
    gort_debug_free_os_memory();
    size_t after = resident();
    gort_read_mem_stats(&st);
    puts(st.heap_released <= st.heap_idle && st.heap_idle - st.heap_released < 8 << 20 ? "released"
                                                                                       : "held");
    puts(after + ((size_t)BLOCKS / 2) * BYTES < before ? "smaller" : "as large as before");
    int bad = 0;
    for (int i = 0; i < BLOCKS; i += 8)
        for (int k = 0; k < BYTES; k++)
            bad += kept[i][k] != i + 1;
    puts(bad == 0 ? "kept" : "changed");
    return 0;
}
GORT_MAIN(run)
