/* GODEBUG=memprofilerate=0: nothing is sampled. */
// env: GODEBUG=memprofilerate=0
// expect: rate 0, records 0
#include <gort.h>
#include <stdio.h>

static void *volatile keep;

static int run(int argc, char **argv)
{
    int n;
    (void)argc;
    (void)argv;
    for (int i = 0; i < 20000; i++)
        keep = gort_alloc_noscan(1024);
    gort_mem_profile(NULL, 0, true, &n);
    printf("rate %d, records %d\n", gort_mem_profile_rate, n);
    return 0;
}
GORT_MAIN(run)
