/* GODEBUG=scavtrace=1: a line for each collection, and one for debug.FreeOSMemory. */
// no-fault: vm_decommit
// env: GODEBUG=scavtrace=1
// expect-re: ^scav \d+ KiB work, \d+ KiB total, \d+% util$
// expect-re: ^scav \d+ KiB work, \d+ KiB total, \d+% util$
// expect-re: ^scav \d+ KiB work, [1-9]\d{4} KiB total, \d+% util \(forced\)$
// expect: end
#include <gort.h>
#include <gort/debug.h>
#include <stdio.h>
#include <string.h>

static char *all[64]; /* together, then none */

static void fill(void)
{
    for (int i = 0; i < 64; i++)
        all[i] = memset(gort_alloc_noscan(1 << 20), i, 1 << 20);
    memset(all, 0, sizeof all);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fill();
    gort_gc();
    fill();
    gort_debug_free_os_memory();
    puts("end");
    return 0;
}
GORT_MAIN(run)
