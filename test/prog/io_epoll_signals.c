/* Signals come all the time while a thread waits in epoll_wait: it waits no longer for that, whether the thread is the
 * program's or the poller has no room for the goroutine's descriptor. */
// expect: thread: 0
// expect: goroutine: 0
#include <gort.h>
#include <gort/io.h>
#include <gort/panic.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { WAIT_MS = 100, BETWEEN_US = 1000 };

static int ep;
static atomic_int waiter, over;

static void nothing(int sig)
{
    (void)sig;
}

/* Disturbs the thread that waits. */
static void *disturb(void *arg)
{
    while (!over) {
        if (waiter != 0)
            syscall(SYS_tgkill, getpid(), waiter, SIGUSR1);
        usleep(BETWEEN_US);
    }
    return arg;
}

static int wait_disturbed(void)
{
    struct epoll_event e;
    waiter = (int)syscall(SYS_gettid);
    int r = gort_epoll_wait(ep, &e, 1, WAIT_MS);
    waiter = 0;
    return r;
}

static void *on_thread(void *arg)
{
    printf("thread: %d\n", wait_disturbed());
    return arg;
}

static int run(int argc, char **argv)
{
    struct rlimit limit = {32, 32};
    (void)argc;
    (void)argv;
    setrlimit(RLIMIT_NOFILE, &limit);
    while (dup(0) >= 0)
        ;
    printf("goroutine: %d\n", wait_disturbed());
    return 0;
}

int main(int argc, char **argv)
{
    struct sigaction act = {.sa_handler = nothing, .sa_flags = SA_ONSTACK | SA_RESTART};
    pthread_t disturber, t;
    sigaction(SIGUSR1, &act, NULL);
    ep = epoll_create1(0);
    if (ep < 0 || pthread_create(&disturber, NULL, disturb, NULL) != 0 ||
        pthread_create(&t, NULL, on_thread, NULL) != 0)
        return 1;
    pthread_join(t, NULL);
    int status = gort_run(run, argc, argv);
    over = 1;
    pthread_join(disturber, NULL);
    return status;
}
