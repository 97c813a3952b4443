/* GODEBUG=pagetrace: a disk without space ends the program. */
// no-fault: pagetrace_open
// env: GODEBUG=pagetrace=/dev/full
// exit: 2
// expect-re: ^errno=28$
// expect-re: ^fatal error: writeBytes: bad write$
#include <gort.h>
#include <string.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < 20000; i++)
        memset(gort_alloc_noscan(40000), 1, 40000);
    return 0;
}
GORT_MAIN(run)
