/* CPU time that a thread used while no signal reached it is in the profile nevertheless: at the signal that
 * comes late, or at the end, where the thread was last seen. */
// link: -lz
// limit: 120
// skip-on: tsan arm64
// no-fault: cpu_timer cpu_clock
// expect: late: all
// expect: at the end: all
// expect: no more than was used
#include "pprof_reader.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#define NOINLINE __attribute__((noinline))
#define PERIOD   INT64_C(10000000)

static volatile uint64_t sink;

static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void compute(int64_t ns)
{
    int64_t from = cpu_ns();
    while (cpu_ns() - from < ns)
        for (unsigned i = 0; i < 10000; i++)
            sink += i;
}

static void mask(int how)
{
    sigset_t s;
    sigemptyset(&s);
    sigaddset(&s, SIGPROF);
    pthread_sigmask(how, &s, NULL);
}

/* Without the tick's help: one signal, for all of it. */
static NOINLINE void seen_late(void)
{
    mask(SIG_BLOCK);
    compute(30 * PERIOD);
    mask(SIG_UNBLOCK);
    __asm__ volatile("");
}

static NOINLINE void never_seen(void)
{
    compute(20 * PERIOD);
    __asm__ volatile("");
}

static const char *verdict(int64_t ns, int64_t least)
{
    if (ns < least)
        printf("%lld ms of %lld\n", (long long)ns / 1000000, (long long)least / 1000000);
    return ns < least ? "less" : "all";
}

static void start(int fd)
{
    if (gort_pprof_start_cpu_profile(fd) != 0)
        gort_panicf("start: %s", strerror(errno));
}

static int run(int argc, char **argv)
{
    char path[32];
    int fd = pprof_temporary(path);
    (void)argc;
    (void)argv;
    gort_lock_os_thread();
    int64_t before = cpu_ns();
    start(fd);
    seen_late();
    mask(SIG_BLOCK);
    never_seen();
    (void)gort_pprof_stop_cpu_profile();
    mask(SIG_UNBLOCK);
    int64_t used = cpu_ns() - before;
    const struct pprof_file *p = pprof_read(path);
    int64_t lost = pprof_sum(p, "cpu", "runtime/pprof.lostProfileEvent;");
    int64_t late = pprof_sum(p, "cpu", "seen_late;");
    printf("late: %s\n", verdict(late + lost, 29 * PERIOD));
    printf("at the end: %s\n", verdict(late + lost, 49 * PERIOD));
    printf("%s than was used\n", late > used + PERIOD ? "more" : "no more");
    close(fd);
    unlink(path);
    return 0;
}
GORT_MAIN(run)
