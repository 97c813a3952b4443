/* The CPU profile of known work: its sum is the CPU time that the process used, and at least 95% of it lies in
 * the functions that used it: inlined, in libc, in the kernel, in a foreign call, with labels. A thread that
 * the runtime does not know is there too, but counted by a timer that all share. */
// link: -lz
// limit: 120
// skip-on: tsan arm64
// no-fault: cpu_timer cpu_clock
// expect: the sum is right
// expect: inlined: right
// expect: in libc: right
// expect: in the kernel: right
// expect: foreign: right
// expect: stranger: there
#include "pprof_reader.h"

#include <pthread.h>
#include <sys/resource.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#define NOINLINE __attribute__((noinline))
#define SECOND   INT64_C(1000000000)

static char from[1 << 16], to[1 << 16];
static volatile uint64_t sink;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * SECOND + t.tv_nsec;
}

static inline __attribute__((always_inline)) void inlined_work(void)
{
    for (unsigned i = 0; i < 1000000; i++)
        sink += i * i;
}
static NOINLINE void inlined_part(void)
{
    inlined_work();
    __asm__ volatile("");
}

static NOINLINE void libc_part(void)
{
    for (int i = 0; i < 200; i++) {
        memcpy(to, from, sizeof to);
        __asm__ volatile("" : : "r"(to) : "memory");
    }
    __asm__ volatile("");
}

static int zeros;
static NOINLINE void kernel_part(void)
{
    for (int i = 0; i < 100; i++)
        if (read(zeros, to, sizeof to) <= 0) /* a signal makes it short */
            printf("cannot read\n");
    __asm__ volatile("");
}

static NOINLINE void foreign_part(void)
{
    for (unsigned i = 0; i < 1000000; i++)
        sink += i * i;
    __asm__ volatile("");
}

static NOINLINE void stranger_part(void)
{
    for (unsigned i = 0; i < 1000000; i++)
        sink += i * i;
    __asm__ volatile("");
}

static int64_t used[5];

/* The caller stays on its thread: it is locked to it. */
static NOINLINE void work(int part, void (*fn)(void))
{
    int64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID), now;
    do {
        fn();
        now = clock_ns(CLOCK_THREAD_CPUTIME_ID);
    } while (now - began < SECOND);
    used[part] = now - began;
    __asm__ volatile("");
}

static void foreign(void *arg)
{
    (void)arg;
    work(3, foreign_part);
}

static void *stranger(void *arg)
{
    work(4, stranger_part);
    return arg;
}

static int64_t process_ns(void)
{
    struct rusage r;
    getrusage(RUSAGE_SELF, &r);
    return (r.ru_utime.tv_sec + r.ru_stime.tv_sec) * SECOND +
           (r.ru_utime.tv_usec + r.ru_stime.tv_usec) * 1000;
}

static void garbage(void)
{
    for (int i = 0; i < 20; i++) {
        void **last = NULL;
        for (int k = 0; k < 50000; k++) {
            void **p = gort_alloc(64);
            *p = last;
            last = p;
        }
    }
}

static void compare(const struct pprof_file *p, const char *what, const char *function,
                    const char *labels, int part, int64_t lost)
{
    int64_t ns = pprof_sum_labelled(p, "cpu", function, labels), spare = 3 * SECOND / 100 + lost;
    bool right = ns >= used[part] * 95 / 100 - spare && ns <= used[part] * 105 / 100 + spare;
    printf("%s: %s\n", what, right ? "right" : "wrong");
    if (!right)
        printf("%lld ms of %lld\n", (long long)ns / 1000000, (long long)used[part] / 1000000);
}

static int run(int argc, char **argv)
{
    char path[32];
    pthread_t t;
    int fd = pprof_temporary(path);
    (void)argc;
    (void)argv;
    gort_lock_os_thread();
    zeros = open("/dev/zero", O_RDONLY);
    if (gort_pprof_start_cpu_profile(fd) != 0)
        gort_panicf("start: %s", strerror(errno));
    int64_t began = process_ns();
    work(0, inlined_part);
    gort_pprof_set_goroutine_labels(gort_pprof_with_labels(NULL, "part", "libc", NULL));
    work(1, libc_part);
    gort_pprof_set_goroutine_labels(NULL);
    work(2, kernel_part);
    gort_cgocall(foreign, NULL);
    garbage();
    int64_t known = process_ns() - began;
    int64_t stranger_began = process_ns();
    pthread_create(&t, NULL, stranger, NULL);
    pthread_join(t, NULL);
    int64_t strange = process_ns() - stranger_began;
    if (gort_pprof_stop_cpu_profile() != 0)
        gort_panicf("stop: %s", strerror(errno));
    const struct pprof_file *p = pprof_read(path);
    int64_t lost = pprof_sum(p, "cpu", "runtime/pprof.lostProfileEvent;");
    int64_t stranger_ns = pprof_sum(p, "cpu", "stranger_part;");
    int64_t sum = pprof_sum(p, "cpu", "") - stranger_ns;
    int64_t spare = known * 3 / 100 + strange / 10;
    printf("the sum is %s\n", sum >= known - spare && sum <= known + spare ? "right" : "wrong");
    if (sum < known - spare || sum > known + spare)
        printf("%lld ms of %lld\n", (long long)sum / 1000000, (long long)known / 1000000);
    compare(p, "inlined", "inlined_work;", "", 0, lost);
    compare(p, "in libc", "libc_part;", "part=libc;", 1, lost);
    compare(p, "in the kernel", "kernel_part;", "", 2, lost);
    compare(p, "foreign", "foreign_part;", "", 3, lost);
    printf("stranger: %s\n", stranger_ns + lost >= used[4] / 2 ? "there" : "missing");
    if (pprof_sum(p, "samples", "") * (SECOND / 100) != pprof_sum(p, "cpu", ""))
        printf("samples are not of 10 ms\n");
    close(fd);
    unlink(path);
    return 0;
}
GORT_MAIN(run)
