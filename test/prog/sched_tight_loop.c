/* Goroutines in loops without a call leave the only processor to others every few tens of ms. */
// env: GOMAXPROCS=1
// Under ThreadSanitizer no signal stops a goroutine (docs/internals/sanitizers.md).
// skip-on: tsan
// expect: went on
#include <gort.h>
#include <stdio.h>

static volatile int stop;

static void loop(void)
{
    while (!stop)
        ;
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < 3; i++)
        gort_go(loop);
    for (int i = 0; i < 5; i++)
        gort_gosched();
    stop = 1;
    puts("went on");
    return 0;
}
GORT_MAIN(run)
