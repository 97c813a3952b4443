/* gort_run returns what goroutine 1 returned, and main goes on; the others end with it. */
// exit: 7
// expect: main is back with 7
#include <gort.h>
#include <stdio.h>
#include <unistd.h>

static void compute(volatile int *n)
{
    for (;;)
        ++*n;
}
static void sleep_long(void)
{
    sleep(1000);
}
static void wait_for_ever(gort_chan *c)
{
    gort_chan_recv(c, NULL);
}

/* So that goroutine 1 ends on the thread that called gort_run, whatever else is going on. */
GORT_INIT(stay)
{
    gort_lock_os_thread();
}

static int run(int argc, char **argv)
{
    static int n;
    (void)argc;
    (void)argv;
    gort_go(wait_for_ever, gort_make_chan(int, 0));
    gort_go(compute, &n);
    gort_go(sleep_long);
    for (int i = 0; i < 100; i++)
        gort_gosched();
    return 7;
}

int main(int argc, char **argv)
{
    int status = gort_run(run, argc, argv);
    printf("main is back with %d\n", status);
    return status;
}
