/* The mutex profile has the unlock that ends a wait; with a fraction of 10 about as much of it as with 1, of
 * fewer samples. */
// link: -lz
// cflags: -fno-optimize-sibling-calls -fno-ipa-icf
// limit: 60
// no-fault: open_file
// expect: fraction: 0 1 1 0
// expect: 3 of hold_mutex, 1 of hold_rw_write, 1 of hold_rw_read
// expect: delays are right
// expect: wait groups and channels: 0
// expect: text: sampling period=1
// expect: sampled: about 4000
// expect: text: sampling period=10, about 400
#include "await.h"
#include "pprof_reader.h"

#include <gort/prof.h>

#define MS 1000000l

static gort_mutex mutex;
static gort_rwmutex rw;
static gort_waitgroup group;

static void lock_mutex(void *unused)
{
    (void)unused;
    gort_mutex_lock(&mutex);
    gort_mutex_unlock(&mutex);
    gort_waitgroup_done(&group);
}
static void lock_rw_read(void *unused)
{
    (void)unused;
    gort_rwmutex_rlock(&rw);
    gort_rwmutex_runlock(&rw);
    gort_waitgroup_done(&group);
}
static void lock_rw_write(void *unused)
{
    (void)unused;
    gort_rwmutex_lock(&rw);
    gort_rwmutex_unlock(&rw);
    gort_waitgroup_done(&group);
}

static void start(void (*fn)(void *), const char *reason)
{
    gort_waitgroup_add(&group, 1);
    gort_go(fn, NULL);
    await(reason, 1);
}

static __attribute__((noinline)) void hold_mutex(long ns)
{
    gort_mutex_lock(&mutex);
    start(lock_mutex, "[sync.Mutex.Lock]");
    if (ns > 0)
        gort_sleep(ns);
    gort_mutex_unlock(&mutex);
}
static __attribute__((noinline)) void hold_rw_write(void)
{
    gort_rwmutex_lock(&rw);
    start(lock_rw_read, "[sync.RWMutex.RLock]");
    gort_sleep(2 * MS);
    gort_rwmutex_unlock(&rw);
}
static __attribute__((noinline)) void hold_rw_read(void)
{
    gort_rwmutex_rlock(&rw);
    start(lock_rw_write, "[sync.RWMutex.Lock]");
    gort_sleep(2 * MS);
    gort_rwmutex_runlock(&rw);
}

/* 4000 waits, each ended by an unlock of `lock_mutex`, but the first. */
static __attribute__((noinline)) void convoy(void)
{
    enum { N = 4000 };
    gort_mutex_lock(&mutex);
    gort_waitgroup_add(&group, N);
    for (int i = 0; i < N; i++)
        gort_go(lock_mutex, NULL);
    await("[sync.Mutex.Lock]", 100); /* the text has room for some */
    while (gort_num_goroutine() < N)
        gort_gosched();
    gort_sleep(20 * MS);
    gort_mutex_unlock(&mutex);
    gort_waitgroup_wait(&group);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("fraction: %d", gort_set_mutex_profile_fraction(1));
    printf(" %d", gort_set_mutex_profile_fraction(-5));
    printf(" %d", gort_set_mutex_profile_fraction(0));
    printf(" %d\n", gort_set_mutex_profile_fraction(1));
    for (int i = 0; i < 3; i++)
        hold_mutex(2 * MS);
    hold_rw_write();
    hold_rw_read();
    gort_waitgroup_wait(&group);
    const struct pprof_file *f = pprof_of("mutex");
    printf("%ld of hold_mutex, %ld of hold_rw_write, %ld of hold_rw_read\n",
           pprof_sum(f, "contentions", "gort_mutex_unlock;hold_mutex;"),
           pprof_sum(f, "contentions", "gort_rwmutex_unlock;hold_rw_write;"),
           pprof_sum(f, "contentions", "gort_rwmutex_runlock;hold_rw_read;"));
    bool right = pprof_sum(f, "delay", "hold_mutex;") >= 6 * MS &&
                 pprof_sum(f, "delay", "hold_rw_write;") >= 2 * MS &&
                 pprof_sum(f, "delay", "hold_rw_read;") >= 2 * MS;
    printf("delays are %s\n", right ? "right" : "wrong");
    printf("wait groups and channels: %ld\n", pprof_sum(f, "contentions", "gort_waitgroup"));
    char *text = pprof_text("mutex", 1);
    const char *period = strstr(text, "\nsampling period=");
    printf("text: %.17s\n", period != NULL ? period + 1 : text);
    long before = pprof_sum(f, "contentions", ";lock_mutex;");
    gort_set_mutex_profile_fraction(10);
    convoy();
    f = pprof_of("mutex");
    long all = pprof_sum(f, "contentions", ";lock_mutex;"), sampled = all - before;
    /* 400 samples are expected: 6 standard deviations are 120 */
    bool about = labs(sampled - 4000) <= 1200 && sampled % 10 == 0;
    printf("sampled: %s\n", about ? "about 4000" : gort_sprintf("%ld", sampled));
    text = pprof_text("mutex", 1);
    long first = 0, cycles = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        if (sscanf(at + 1, "%ld %ld @", &cycles, &first) == 2 && first > 100)
            break;
    printf("text: %.18s, %s\n", strstr(text, "sampling period="),
           first == all / 10 ? "about 400" : "wrong");
    return 0;
}

GORT_MAIN(run)
