// env: GOMAXPROCS=2
// env: GODEBUG=schedtrace=10
// expect-re: ^SCHED [0-9]+ms: gomaxprocs=2 idleprocs=[0-9] threads=[0-9]+ spinningthreads=[0-9] needspinning=[01] idlethreads=[0-9]+ runqueue=[0-9]+ \[[0-9]+ [0-9]+\]$
// expect-re: ^SCHED [1-9][0-9]*ms: gomaxprocs=2
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_sleep(100 * 1000000);
    return 0;
}
GORT_MAIN(run)
