/* Traces begin and end while ten thousand goroutines wait, run, are born and die, computing ones among them. */
// expect: 20 traces
// skip-on: tsan
#include <gort.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MANY = 10000, TRACES = 20 };
static gort_chan *c, *never;
static atomic_int stop, left;

static void waits(void)
{
    int v;
    gort_chan_recv(never, &v);
}

static void computes(void)
{
    while (!atomic_load(&stop))
        ;
    atomic_fetch_sub(&left, 1);
}

static void dies(int n)
{
    gort_chan_send(c, &n);
}

static void breeds(void)
{
    for (int v; !atomic_load(&stop);) {
        for (int i = 0; i < 20; i++)
            gort_go(dies, i);
        for (int i = 0; i < 20; i++)
            gort_chan_recv(c, &v);
    }
    atomic_fetch_sub(&left, 1);
}

static int run(int argc, char **argv)
{
    const char *path = getenv("TRACE_FILE");
    int n = 0;
    (void)argc;
    (void)argv;
    gort_gomaxprocs(3);
    c = gort_make_chan(int, 0);
    never = gort_make_chan(int, 0);
    for (int i = 0; i < MANY; i++)
        gort_go(waits);
    atomic_store(&left, 2);
    gort_go(computes);
    gort_go(breeds);
    for (int i = 0; i < TRACES; i++) {
        int fd = open(path != NULL ? path : "/dev/null", O_CREAT | O_TRUNC | O_WRONLY, 0644);
        if (gort_trace_start(fd) != 0)
            perror("start");
        for (int k = 0; k < 10; k++)
            gort_gosched();
        if (gort_trace_stop() != 0)
            perror("stop");
        n++;
        close(fd);
    }
    atomic_store(&stop, 1);
    while (atomic_load(&left) > 0)
        gort_gosched();
    printf("%d traces\n", n);
    return 0;
}
GORT_MAIN(run)
