/* GODEBUG=harddecommit=1 where the kernel has no more mappings to give. */
// only-on: faults
// env: GODEBUG=harddecommit=1
// env: GORT_FAULT=vm_permit:1
// expect-re: ^fatal error: runtime: out of memory$
// exit: 2
#include <gort.h>
#include <gort/debug.h>
#include <string.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 32; i++)
            memset(gort_alloc_noscan(1 << 20), 1, 1 << 20);
        gort_debug_free_os_memory();
    }
    gort_sleep(INT64_C(3600) * 1000000000); /* the background may be just at it */
    return 0;
}
GORT_MAIN(run)
