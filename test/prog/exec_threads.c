/* A trace of threads that come and go: attached ones, locked ones that end with their goroutine, foreign calls
 * that call back, calls inside calls. */
// expect: done
#include <gort.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static gort_chan *c, *done;

static void *stranger(void *arg)
{
    for (int round = 0; round < 3; round++) {
        gort_attach_thread();
        for (int i = 0; i < 20; i++) {
            gort_chan_send(c, &i);
            if (i % 5 == 0)
                usleep(300);
        }
        gort_detach_thread();
    }
    return arg;
}

static void locked(void)
{
    int v = 0;
    gort_lock_os_thread();
    gort_gosched();
    gort_chan_send(done, &v); /* and ends with its thread */
}

static void foreign(void *arg)
{
    int v = 1;
    gort_chan_send(c, &v);
    usleep(200);
    gort_enter_syscall();
    usleep(200);
    gort_exit_syscall();
    *(int *)arg += 1;
}

static void calls(void)
{
    int n = 0;
    for (int i = 0; i < 20; i++)
        gort_cgocall(foreign, &n);
    gort_chan_send(done, &n);
}

static void drain(void)
{
    int v;
    while (gort_chan_recv(c, &v))
        ;
}

static int run(int argc, char **argv)
{
    const char *path = getenv("TRACE_FILE");
    pthread_t t[4];
    int v, fd = open(path != NULL ? path : "/dev/null", O_CREAT | O_TRUNC | O_WRONLY, 0644);
    (void)argc;
    (void)argv;
    c = gort_make_chan(int, 2);
    done = gort_make_chan(int, 0);
    gort_attach_thread();
    if (gort_trace_start(fd) != 0)
        perror("start");
    gort_go(drain);
    for (int i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, stranger, NULL);
    for (int i = 0; i < 5; i++)
        gort_go(locked);
    gort_go(calls);
    for (int i = 0; i < 6; i++)
        gort_chan_recv(done, &v);
    gort_enter_syscall();
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    gort_exit_syscall();
    gort_chan_close(c);
    if (gort_trace_stop() != 0)
        perror("stop");
    puts("done");
    return 0;
}
GORT_MAIN(run)
