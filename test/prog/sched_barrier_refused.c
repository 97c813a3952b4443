/* Where the kernel has no membarrier: announced calls end while the collector stops the world, again and again, and
 * a thread that still has its P at the end of one does not keep it until the world starts. */
// env: GORT_FAULT=membarrier:1
// limit: 60
// expect: all came to an end
#include <gort.h>

#include <stdio.h>

enum { CALLERS = 4, CYCLES = 100 };

static int stop;

static void caller(void *wg)
{
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        for (int i = 0; i < 1000; i++) {
            gort_enter_syscall();
            gort_exit_syscall();
        }
        gort_gosched();
    }
    gort_waitgroup_done(wg);
}

static int run(int argc, char **argv)
{
    gort_waitgroup wg = {0};
    (void)argc;
    (void)argv;
    gort_waitgroup_add(&wg, CALLERS);
    for (int i = 0; i < CALLERS; i++)
        gort_go(caller, (void *)&wg);
    for (int i = 0; i < CYCLES; i++)
        gort_gc();
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    gort_waitgroup_wait(&wg);
    printf("all came to an end\n");
    return 0;
}
GORT_MAIN(run)
