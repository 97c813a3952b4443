/* CPU profiles begin and end while goroutines, threads and collections come and go, and signals rain. */
// limit: 120
// skip-on: tsan
// expect: all came to an end
#include <gort.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PROFILES = 12, PROFILERS = 3 };

static int stop;
static int begun, refused;
static volatile uint64_t sink;

static bool stopped(void)
{
    return __atomic_load_n(&stop, __ATOMIC_RELAXED) != 0;
}

static void compute(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        sink += i;
}

static void child(int depth)
{
    if (depth > 0)
        gort_go(child, depth - 1);
    compute(2000);
}
static void goroutines(void *wg)
{
    while (!stopped()) {
        gort_pprof_set_goroutine_labels(gort_pprof_with_labels(NULL, "child", "yes", NULL));
        gort_go(child, 20);
        gort_gosched();
    }
    gort_waitgroup_done(wg);
}

static void *attached(void *arg)
{
    gort_attach_thread();
    compute(100000);
    gort_gosched();
    gort_detach_thread();
    compute(100000);
    return arg;
}
static void ended_with_thread(void)
{
    gort_lock_os_thread();
    compute(100000);
}
static void threads(void *wg)
{
    while (!stopped()) {
        pthread_t t;
        if (pthread_create(&t, NULL, attached, NULL) != 0)
            continue;
        gort_go(ended_with_thread);
        gort_enter_syscall();
        pthread_join(t, NULL);
        gort_exit_syscall();
    }
    gort_waitgroup_done(wg);
}

static void garbage(void *wg)
{
    while (!stopped()) {
        for (int i = 0; i < 1000; i++)
            *(char *)gort_alloc(500) = 1;
        gort_gc();
    }
    gort_waitgroup_done(wg);
}

/* To whoever runs, and to the profile's handler too. */
static void *storm(void *arg)
{
    sigset_t both;
    sigemptyset(&both);
    sigaddset(&both, SIGURG);
    sigaddset(&both, SIGPROF);
    pthread_sigmask(SIG_BLOCK, &both, NULL);
    while (!stopped()) {
        kill(getpid(), SIGURG);
        if (__atomic_load_n(&begun, __ATOMIC_RELAXED) > 0) /* the handler is there, and stays */
            kill(getpid(), SIGPROF);
        usleep(50);
    }
    return arg;
}

static void profiler(void *wg)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    for (int i = 0; i < PROFILES;) {
        if (gort_pprof_start_cpu_profile(null) != 0) {
            if (errno != EBUSY)
                printf("start: %s\n", strerror(errno));
            __atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
            gort_gosched();
            continue;
        }
        __atomic_fetch_add(&begun, 1, __ATOMIC_RELAXED);
        compute(1000000);
        gort_gosched();
        if (gort_pprof_stop_cpu_profile() != 0)
            printf("stop: %s\n", strerror(errno));
        i++;
    }
    close(null);
    gort_waitgroup_done(wg);
}

static int run(int argc, char **argv)
{
    gort_waitgroup profilers = {0}, others = {0};
    pthread_t t;
    (void)argc;
    (void)argv;
    gort_waitgroup_add(&others, 3);
    gort_waitgroup_add(&profilers, PROFILERS);
    gort_go(goroutines, (void *)&others);
    gort_go(threads, (void *)&others);
    gort_go(garbage, (void *)&others);
    pthread_create(&t, NULL, storm, NULL);
    for (int i = 0; i < PROFILERS; i++)
        gort_go(profiler, (void *)&profilers);
    gort_waitgroup_wait(&profilers);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    gort_waitgroup_wait(&others);
    pthread_join(t, NULL);
    if (begun != PROFILES * PROFILERS)
        printf("%d profiles\n", begun);
    printf("all came to an end\n");
    return 0;
}
GORT_MAIN(run)
