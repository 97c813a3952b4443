/* workload.c: a program whose profiles are known, for test/clients/pprof/check: writes each kind, in both
 * formats, to the folder that it is given.
 *
 *   allocs     2000 objects of 1 KiB by alloc_small, 200 of 64 KiB by alloc_large (inlined in alloc_both)
 *   heap       1000 of the former live
 *   block      5 waits for hold_mutex's 20 ms in wait_mutex, 5 for slow_sender's in slow_receiver
 *   mutex      the same 5 at the unlock in hold_mutex
 *   goroutine  7 in leak_here
 *   own        3 things of open_thing
 *   foreign    2 things of open_foreign, which code calls that no file describes
 *   cpu        all time of its thread in burn_inner, inlined in burn; that time, in ns, in the file cpu.ns
 */
#include "../../prog/foreign_frames.h"

#include <gort.h>
#include <gort/pprof.h>
#include <gort/prof.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS       1000000
#define NOINLINE __attribute__((noinline))

static void *volatile kept[1000];
static void *volatile sink;
static gort_mutex mutex;
static gort_chan *c, *never;
static gort_waitgroup done;

static NOINLINE void alloc_small(int i)
{
    kept[i % 1000] = gort_alloc_noscan(1024);
}
static inline __attribute__((always_inline)) void alloc_large(void)
{
    sink = gort_alloc_noscan(65536);
}
static NOINLINE void alloc_both(void)
{
    for (int i = 0; i < 2000; i++)
        alloc_small(i);
    for (int i = 0; i < 200; i++)
        alloc_large();
}

/* Whether somebody waits so. A sleep in the stead of that says nothing on a machine that has other things to do. */
static bool waits(const char *how)
{
    static char text[1 << 16];
    text[gort_stack(text, sizeof text - 1, true)] = '\0';
    return strstr(text, how) != NULL;
}

static NOINLINE void wait_mutex(void)
{
    gort_mutex_lock(&mutex);
    gort_mutex_unlock(&mutex);
    gort_waitgroup_done(&done);
}
static NOINLINE void hold_mutex(void)
{
    gort_mutex_lock(&mutex);
    gort_waitgroup_add(&done, 1);
    gort_go(wait_mutex);
    while (!waits("[sync.Mutex.Lock"))
        gort_gosched();
    gort_sleep(20 * MS);
    gort_mutex_unlock(&mutex);
    gort_waitgroup_wait(&done);
}

static NOINLINE void slow_sender(void *unused)
{
    int v = 0;
    (void)unused;
    while (!waits("[chan receive"))
        gort_gosched();
    gort_sleep(20 * MS);
    gort_chan_send(c, &v);
}
static NOINLINE void slow_receiver(void)
{
    int v;
    gort_go(slow_sender, NULL);
    gort_chan_recv(c, &v);
}

static NOINLINE void leak_here(void *unused)
{
    int v;
    (void)unused;
    gort_waitgroup_done(&done);
    gort_chan_recv(never, &v);
}

static NOINLINE void open_thing(gort_pprof_profile *p, const void *thing)
{
    gort_pprof_add(p, thing, 0);
}

static NOINLINE void open_foreign(void *profile)
{
    static char things[2];
    static int n;
    gort_pprof_add(profile, &things[n++], 0);
}

static inline __attribute__((always_inline)) unsigned burn_inner(unsigned x)
{
    for (int i = 0; i < 1000; i++)
        x = x * 1664525 + 1013904223 + (x >> 13);
    return x;
}
static int64_t cpu_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec * 1000000000ll + t.tv_nsec;
}
/* At least `ns` of the calling thread; it says how many, or -1. It begins and ends the profile: nothing is sampled
 * that is not called here. */
static NOINLINE int64_t burn(int64_t ns, int profile)
{
    unsigned x = 1;
    if (gort_pprof_start_cpu_profile(profile) != 0)
        return -1;
    int64_t from = cpu_ns(), now = from;
    for (; now < from + ns; now = cpu_ns())
        for (int i = 0; i < 10000; i++) /* to read the clock gives the CPU away, too */
            x = burn_inner(x);
    sink = (void *)(uintptr_t)x;
    return gort_pprof_stop_cpu_profile() == 0 ? now - from : -1;
}

static int file(const char *dir, const char *name, const char *ending)
{
    return open(gort_sprintf("%s/%s.%s", dir, name, ending), O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

static int run(int argc, char **argv)
{
    static const char *const names[] = {"allocs", "block", "foreign", "goroutine",
                                        "heap",   "mutex", "own",     "threadcreate"};
    const char *dir = argc > 1 ? argv[1] : ".";
    gort_mem_profile_rate = 1;
    gort_set_block_profile_rate(1);
    gort_set_mutex_profile_fraction(1);
    c = gort_chan_make(gort_typeof(int), 0);
    never = gort_chan_make(gort_typeof(int), 0);
    gort_pprof_profile *own = gort_pprof_new("own");
    alloc_both();
    for (int i = 0; i < 5; i++)
        hold_mutex();
    for (int i = 0; i < 5; i++)
        slow_receiver();
    gort_set_block_profile_rate(0);
    gort_waitgroup_add(&done, 7);
    for (int i = 0; i < 7; i++)
        gort_go(leak_here, NULL);
    gort_waitgroup_wait(&done);
    for (int i = 0; i < 3; i++)
        open_thing(own, &names[i]);
    gort_pprof_profile *foreign = gort_pprof_new("foreign");
    js_set();
    for (int i = 0; i < 2; i++)
        js_run(open_foreign, foreign);
    for (int i = 0; i < 3; i++)
        gort_gc();
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (gort_pprof_write(names[i], file(dir, names[i], "pb.gz"), 0) != 0 ||
            gort_pprof_write(names[i], file(dir, names[i], "txt"), 1) != 0) {
            perror(names[i]);
            return 1;
        }
    }
    gort_lock_os_thread();
    int64_t ns = burn(1000l * MS, file(dir, "cpu", "pb.gz"));
    dprintf(file(dir, "cpu", "ns"), "%lld\n", (long long)ns);
    return ns < 0;
}

GORT_MAIN(run)
