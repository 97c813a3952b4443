// env: GODEBUG=gctrace=0,gcpacertrace=0
// expect: over
#include <gort.h>

#include <stdio.h>

static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_gc();
    printf("over\n");
    return 0;
}

GORT_MAIN(program)
