// Goexit of goroutine 1 runs its deferred functions; the program lives until the last goroutine is gone.
// expect: deferred
// expect: worker done
// expect: fatal error: no goroutines (main called runtime.Goexit) - deadlock!
// exit: 2
#include <gort.h>
#include <stdio.h>

static gort_chan *over;

static void deferred(void *arg)
{
    puts(arg);
    gort_chan_close(over);
}

static void work(void)
{
    gort_chan_recv(over, NULL);
    while (gort_num_goroutine() > 1) /* goroutine 1 is gone then */
        gort_gosched();
    puts("worker done");
    fflush(stdout);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    over = gort_make_chan(int, 0);
    gort_go(work);
    gort_defer(deferred, "deferred");
    gort_goexit();
}

GORT_MAIN(run)
