/* A trace of goroutines that do a little of everything, to a file; its tail is checked by test/clients/trace. */
// expect: written
#include <gort.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static gort_chan *c, *done;

static void pong(void)
{
    int v;
    while (gort_chan_recv(c, &v))
        ;
    gort_chan_send(done, &v);
}

static void sleeper(int n)
{
    gort_trace_task t = gort_trace_task_begin((gort_trace_task){0}, "sleeping");
    gort_trace_region_begin(t, "nap");
    gort_sleep(n * 100000);
    gort_trace_log(t, "category", "awake");
    gort_trace_logf(t, "category", "awake %d", n);
    gort_trace_region_end(t, "nap");
    gort_trace_task_end(t);
    gort_chan_send(done, &n);
}

static int run(int argc, char **argv)
{
    const char *path = getenv("TRACE_FILE");
    int v = 0, fd = path != NULL ? open(path, O_CREAT | O_TRUNC | O_WRONLY, 0644)
                                 : open("/dev/null", O_WRONLY);
    int rounds = argc > 1 ? atoi(argv[1]) : 3;
    if (gort_trace_start(fd) != 0)
        perror("start");
    for (int round = 0; round < rounds; round++) {
        c = gort_make_chan(int, 0);
        done = gort_make_chan(int, 0);
        for (int i = 0; i < 10; i++)
            gort_go(sleeper, i);
        gort_go(pong);
        for (int i = 0; i < 1000; i++)
            gort_chan_send(c, &i);
        gort_chan_close(c);
        for (int i = 0; i < 11; i++)
            gort_chan_recv(done, &v);
        gort_gomaxprocs(1 + round % 4);
        for (int i = 0; i < 1000; i++)
            gort_new(long);
        gort_gc();
        gort_enter_syscall();
        usleep(2000);
        gort_exit_syscall();
        usleep(3000);
    }
    if (gort_trace_stop() != 0)
        perror("stop");
    puts("written");
    return 0;
}
GORT_MAIN(run)
