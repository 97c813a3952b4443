/* GODEBUG=pagetrace: a file that cannot be made is no trace, and no error. */
// env: GODEBUG=pagetrace=/nowhere/trace
// expect: runs
#include <gort.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_alloc(100000);
    puts("runs");
    return 0;
}
GORT_MAIN(run)
