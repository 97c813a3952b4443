/* A goroutine that blocks every signal on its thread computes, then sleeps: nothing hangs. */
// skip-on: race
// env: GOMAXPROCS=1
// expect: slept
#include <gort.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static volatile int stop;

static void other(void)
{
    while (!stop)
        gort_gosched();
}

static int run(int argc, char **argv)
{
    sigset_t all;
    struct timespec a, b;
    (void)argc;
    (void)argv;
    gort_go(other);
    gort_lock_os_thread();
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    clock_gettime(CLOCK_MONOTONIC, &a);
    do
        clock_gettime(CLOCK_MONOTONIC, &b);
    while ((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 < 100);
    usleep(1000); /* announced by the library itself: a signal is pending by now */
    stop = 1;
    puts("slept");
    return 0;
}
GORT_MAIN(run)
