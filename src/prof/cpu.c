/* cpu.c: the CPU profile.
 *
 * Owns    when CPU time is sampled, and at what rate; which thread has a timer; the profile that is written.
 *         How many samples are due: cpu_due.c. What a sample is: cpu_sample.c. How they are counted: cpu_log.c.
 * Holds   1. m->cpu_timer is, of each thread of the runtime,
 *              GONE      not there (yet, or any more), or the program's again
 *              BARE      there, without a timer
 *              BUSY      somebody makes or deletes its timer, and is done in a moment
 *              id + OWN  has this timer
 *         2. While `period` is 0 each is GONE, BARE, or about to be.
 *         3. Only who holds `rate_lock` changes `period` and `profiling`, but for the end of gort_run.
 * Locks   control: one start or stop of a profile at a time, which may write to a file; rate_lock. Both are
 *         mutexes of goroutines.
 * Order   a thread makes itself BARE, then BUSY, then looks at `period`; who sets it looks at all threads
 *         afterwards. All are seq_cst: each thread is armed by one of both, and disarmed likewise.
 *
 * Threads that the runtime does not know, such as those that a library makes, have no timer: ITIMER_PROF of the
 * process counts them. Its signal comes to whoever runs when it is due; to a thread that has a timer of its own
 * it says no more than that one's. It counts threads too that the kernel gives no timer (RLIMIT_SIGPENDING).
 *
 * The handler stays once it is installed, as in Go: a signal may be on its way when the profile ends. If the
 * program has a handler of its own for SIGPROF, that one stays, and there is no profile: EBUSY.
 */
#include "prof/cpu_int.h"

#include "base/fmt.h"
#include "base/probe.h"
#include "base/rand.h"
#include "base/track.h"
#include "prof/prof.h"
#include "sched/sched.h"
#include "sched/up.h"

#include <gort/prof.h>
#include <gort/sync.h>

#include <errno.h>

enum { GONE = 0, BARE = 1, BUSY = 2, OWN = 3 };
enum { HZ_DEFAULT = 100, HZ_MAX = 1000000 };

static gort_mutex control, rate_lock;
static ai64 period;    /* between two samples, ns; 0: nothing is sampled */
static bool profiling; /* rate_lock */

/* The profile that is being made; control: */
static struct {
    int fd;
    int64_t period_ns, began_ns, wall_ns;
} profile;

/* ---- threads */
static void arm(struct m *m)
{
    static au64 phase;
    if (!cas_seq(&m->cpu_timer, BARE, BUSY))
        return;
    int64_t every = load_seq(&period), now = os_clock_read_ns(m->cpu_clock), id = -1;
    if (every > 0 && now >= 0) {
        uint64_t rand = add_rlx(&phase, UINT64_C(0x9E3779B97F4A7C15)) ^ (uint64_t)os_nanotime();
        rand |= 1;
        int64_t first = now + 1 + rand_next(&rand) % (uint32_t)every;
        cpu_due_begin(m, first, every);
        id = os_cpu_timer_start(m->tid, m->cpu_clock, first, every);
    }
    store_seq(&m->cpu_timer, id >= 0 ? id + OWN : BARE);
}

/* Leaves it `to`. */
static void disarm(struct m *m, int64_t to)
{
    for (;;) {
        int64_t now = load_seq(&m->cpu_timer);
        if (now == BUSY) {
            os_thread_yield();
        } else if (now < OWN) {
            if (now == GONE || now == to || cas_seq(&m->cpu_timer, now, to))
                return;
        } else if (cas_seq(&m->cpu_timer, now, BUSY)) {
            os_cpu_timer_stop(now - OWN);
            cpu_due_end(m);
            store_seq(&m->cpu_timer, to);
            return;
        }
    }
}

void prof_thread_begins(struct m *m)
{
    store_seq(&m->cpu_timer, BARE);
    if (load_seq(&period) > 0)
        arm(m);
}

void prof_thread_ends(struct m *m)
{
    disarm(m, GONE);
}

bool prof_thread_has_timer(struct m *m)
{
    return load_seq(&m->cpu_timer) >= OWN;
}

static void arm_one(struct m *m, void *arg)
{
    (void)arg;
    arm(m);
}

static void disarm_one(struct m *m, void *arg)
{
    (void)arg;
    disarm(m, BARE);
}

static void forget_one(struct m *m, void *arg)
{
    (void)arg;
    if (prof_thread_has_timer(m))
        (void)cpu_due_take(m);
}

/* ---- sampling, on and off; rate_lock is held */
/* 0 or -errno. */
static int sampling_start(int64_t period_ns)
{
    if (track_no_signals())
        return -ENOTSUP;
    if (!os_signal_take(SIGPROF, cpu_on_signal))
        return -EBUSY;
    struct m *m = m_enter();
    int r = cpu_log_start();
    if (r == 0)
        r = os_cpu_timer_of_process(period_ns); /* first: if it fails, there is nothing to undo */
    if (r == 0) {
        probe_set(PROBE_CPU, true);
        cpu_log_count(profiling);
        store_seq(&period, period_ns);
        sched_each_thread(arm_one, NULL);
    }
    m_leave(m);
    return r;
}

/* Afterwards all samples are counted. */
static void sampling_stop(void)
{
    store_seq(&period, 0);
    (void)os_cpu_timer_of_process(0);
    sched_each_thread(disarm_one, NULL);
    cpu_due_await_look();
    probe_set(PROBE_CPU, false);
    cpu_await_handlers();
}

/* What was sampled, and what is due, is nobody's; from now on samples are counted. */
static void count_from_here(void)
{
    struct m *m = m_enter();
    sched_each_thread(forget_one, NULL);
    cpu_log_drain(false);
    cpu_log_count(true);
    m_leave(m);
}

static void rate_stop(void)
{
    struct m *m = m_enter();
    if (load_seq(&period) != 0) {
        sampling_stop();
        cpu_log_drain(profiling);
    }
    m_leave(m);
}

static COLD void say_unread(void)
{
    print("runtime: cannot set cpu profile rate until previous profile has finished.\n");
}

static COLD void say_refused(int err)
{
    print("runtime: cannot set cpu profile rate: %s\n",
          err == -EBUSY     ? "the program handles SIGPROF itself"
          : err == -ENOTSUP ? "ThreadSanitizer tolerates no signals"
                            : "the system has no memory or threads");
}

static int clamp(int hz)
{
    return hz < 0 ? 0 : hz > HZ_MAX ? HZ_MAX : hz;
}

void gort_set_cpu_profile_rate(int hz)
{
    hz = clamp(hz);
    gort_mutex_lock(&rate_lock);
    if (hz == 0) {
        rate_stop();
    } else if (load_rlx(&period) != 0 || profiling) {
        say_unread();
    } else {
        int r = sampling_start(1000000000 / hz);
        if (r != 0)
            say_refused(r);
    }
    gort_mutex_unlock(&rate_lock);
}

void prof_cpu_end(void)
{
    if (load_seq(&period) != 0)
        sampling_stop();
}

/* ---- a profile */
static const char *const root_names[] = {
    [CPU_ROOT_SYSTEM] = "runtime._System",
    [CPU_ROOT_GC] = "runtime._GC",
    [CPU_ROOT_EXTERNAL] = "runtime._ExternalCode",
};

static void write_count(struct pprof *w, const struct cpu_counts *all, const struct cpu_count *c)
{
    int64_t values[] = {(int64_t)c->count, (int64_t)c->count * profile.period_ns};
    const void *labels = c->labels_at != 0 ? &all->words[c->labels_at] : NULL;
    const uintptr_t *pcs = (const void *)&all->words[c->pcs_at];
    if (c->root == CPU_ROOT_NONE)
        pprof_sample(w, pcs, c->n, values, labels, 0);
    else
        pprof_sample_named(w, pcs, c->n, root_names[c->root], values, labels);
}

static int write_profile(const struct cpu_counts *all)
{
    struct pprof_head head = {
        .columns = {{"samples", "count"}, {"cpu", "nanoseconds"}},
        .ncolumns = 2,
        .period = {"cpu", "nanoseconds"},
        .period_value = profile.period_ns,
        .time_ns = profile.wall_ns,
        .duration_ns = os_nanotime() - profile.began_ns,
    };
    struct pprof *w = pprof_begin(&head);
    if (w == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < all->cap; i++)
        if (all->count[i].count != 0)
            write_count(w, all, &all->count[i]);
    if (all->lost != 0) {
        int64_t values[] = {(int64_t)all->lost, (int64_t)all->lost * profile.period_ns};
        pprof_sample_named(w, NULL, 0, "runtime/pprof.lostProfileEvent", values, NULL);
    }
    return pprof_end(w, profile.fd);
}

/* Sets errno, out of line: the goroutine may be on another thread than before. */
static NOINLINE int result(int r)
{
    if (r == 0)
        return 0;
    errno = -r;
    return -1;
}

/* If samples are taken already, for nobody, that rate stays: as in Go, a way to choose it. */
static int profile_start(int fd)
{
    if (profiling)
        return -EBUSY;
    int r = 0;
    int64_t every = load_rlx(&period);
    profiling = true;
    profile.fd = fd;
    profile.wall_ns = os_walltime();
    profile.began_ns = os_nanotime();
    profile.period_ns = every != 0 ? every : 1000000000 / HZ_DEFAULT;
    if (every != 0) {
        say_unread();
        count_from_here();
    } else {
        r = sampling_start(profile.period_ns);
    }
    if (r != 0)
        profiling = false;
    return r;
}

int gort_pprof_start_cpu_profile(int fd)
{
    gort_mutex_lock(&control);
    gort_mutex_lock(&rate_lock);
    int r = profile_start(fd);
    gort_mutex_unlock(&rate_lock);
    gort_mutex_unlock(&control);
    return result(r);
}

/* True if there was one: it is in `all`. */
static bool profile_stop(struct cpu_counts *all)
{
    bool was = profiling;
    if (!was)
        return false;
    rate_stop();
    struct m *m = m_enter();
    cpu_log_count(false);
    *all = cpu_log_take();
    m_leave(m);
    profiling = false;
    return true;
}

int gort_pprof_stop_cpu_profile(void)
{
    struct cpu_counts all;
    int r = 0;
    gort_mutex_lock(&control);
    gort_mutex_lock(&rate_lock);
    bool was = profile_stop(&all);
    gort_mutex_unlock(&rate_lock);
    if (was) {
        r = write_profile(&all);
        cpu_counts_free(&all);
    }
    gort_mutex_unlock(&control);
    return result(r);
}
