/* A program that does a little of everything that has a probe, until its input ends. */
#include <gort.h>

#include <unistd.h>

static gort_chan *to_worker;
static volatile int go_on = 1;

static void short_one(int n)
{
    gort_keep_alive(&n);
}

static void worker(void)
{
    int n;
    while (gort_chan_recv(to_worker, &n))
        gort_go(short_one, n);
}

static void until_the_end(void)
{
    char c;
    while (gort_read(0, &c, 1) > 0)
        ;
    go_on = 0;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    to_worker = gort_make_chan(int, 0);
    gort_go(worker);
    gort_go(worker);
    gort_go(until_the_end);
    gort_write(1, "ready\n", 6);
    for (int i = 0; go_on; i++) {
        gort_chan_send(to_worker, &i);
        gort_keep_alive(gort_alloc(20000));
        gort_enter_syscall();
        usleep(100);
        gort_exit_syscall();
        gort_sleep(100 * 1000);
    }
    return 0;
}

GORT_MAIN(run)
