// Goexit of goroutine 1 runs its deferred functions; the program lives until the last goroutine is gone.
// expect: deferred
// expect: worker done
// expect: fatal error: no goroutines (main called runtime.Goexit) - deadlock!
// exit: 2
#include <gort.h>
#include <stdio.h>

static void deferred(void *arg)
{
    puts(arg);
}

static void work(void)
{
    gort_sleep(20000000);
    puts("worker done");
    fflush(stdout);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_go(work);
    gort_defer(deferred, "deferred");
    gort_goexit();
}

GORT_MAIN(run)
