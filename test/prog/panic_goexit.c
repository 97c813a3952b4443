// Goexit in a deferred function of a panicking goroutine ends the panic with the goroutine.
// expect: outer <nil>
// expect: alive
#include <gort.h>
#include <stdio.h>

static gort_chan *done;

static void outer(void *unused)
{
    (void)unused;
    gort_any v;
    printf("outer %s\n", gort_recover(&v) ? "panic" : "<nil>");
    gort_chan_close(done);
}

static void leave(void *unused)
{
    (void)unused;
    gort_goexit();
}

static void work(void)
{
    gort_defer(outer, NULL);
    gort_defer(leave, NULL);
    gort_panic(gort_any_string("lost"));
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    done = gort_make_chan(int, 0);
    gort_go(work);
    gort_chan_recv(done, NULL);
    puts("alive");
    return 0;
}

GORT_MAIN(run)
