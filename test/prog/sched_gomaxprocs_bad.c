/* What is not a positive number is as if it were not there. */
// env: GOMAXPROCS=5x
// expect: 1
#include <gort.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("%d\n", gort_gomaxprocs(0) == gort_num_cpu());
    return 0;
}
GORT_MAIN(run)
