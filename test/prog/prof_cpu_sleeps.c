/* While CPU time is profiled, no sleep of libc's is cut short: not a goroutine's, nor that of a thread that
 * the runtime does not know. */
// limit: 120
// skip-on: tsan
// expect: nobody was disturbed
#include <gort.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

enum { ROUNDS = 60, SLEEP_US = 300 };

static int disturbed;
static volatile uint64_t sink;

static void expect(bool ok, const char *what)
{
    if (!ok && __atomic_fetch_add(&disturbed, 1, __ATOMIC_RELAXED) < 10)
        printf("%s: %s\n", what, strerror(errno));
}

/* The signal is due somewhere in here, or a little later, inside the call that follows. */
static void compute(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        sink += i;
}

static void sleep_in_all_ways(int ep, unsigned n)
{
    struct timespec ts = {0, SLEEP_US * 1000l}, left = {0, 0};
    struct timeval tv = {0, SLEEP_US};
    struct epoll_event e;
    sigset_t none, urgent;
    sigemptyset(&none);
    sigemptyset(&urgent);
    sigaddset(&urgent, SIGUSR2);
    compute(n);
    expect(nanosleep(&ts, &left) == 0, "nanosleep");
    compute(n);
    expect(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL) == 0, "clock_nanosleep");
    compute(n);
    expect(usleep(SLEEP_US) == 0, "usleep");
    compute(n);
    expect(poll(NULL, 0, 1) == 0, "poll");
    compute(n);
    expect(ppoll(NULL, 0, &ts, &none) == 0, "ppoll");
    compute(n);
    expect(select(0, NULL, NULL, NULL, &tv) == 0, "select");
    compute(n);
    expect(pselect(0, NULL, NULL, NULL, &ts, &none) == 0, "pselect");
    compute(n);
    expect(epoll_wait(ep, &e, 1, 1) == 0, "epoll_wait");
    compute(n);
    expect(epoll_pwait(ep, &e, 1, 1, &none) == 0, "epoll_pwait");
    compute(n);
    errno = 0;
    expect(sigtimedwait(&urgent, NULL, &ts) == -1 && errno == EAGAIN, "sigtimedwait");
}

static void *sleeper(void *arg)
{
    int ep = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < ROUNDS; i++)
        sleep_in_all_ways(ep, 20000 + i * 777 % 20000);
    close(ep);
    return arg;
}

static void sleeping_goroutine(void *wg)
{
    sleeper(NULL);
    gort_waitgroup_done(wg);
}

static int run(int argc, char **argv)
{
    enum { GOROUTINES = 4 };
    pthread_t t;
    gort_waitgroup wg = {0};
    (void)argc;
    (void)argv;
    gort_set_cpu_profile_rate(20000); /* at every tick of the kernel's */
    gort_waitgroup_add(&wg, GOROUTINES);
    pthread_create(&t, NULL, sleeper, NULL);
    for (int i = 0; i < GOROUTINES; i++)
        gort_go(sleeping_goroutine, (void *)&wg);
    gort_waitgroup_wait(&wg);
    pthread_join(t, NULL);
    gort_set_cpu_profile_rate(0);
    if (disturbed == 0)
        printf("nobody was disturbed\n");
    return 0;
}
GORT_MAIN(run)
