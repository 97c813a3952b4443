/* cpu_due.c: how many samples a thread's CPU time is worth, whoever comes to take them, and whenever.
 *
 * Owns    the time on each thread's CPU clock at which its next sample is due; the looks at threads that the
 *         kernel is late to interrupt; what is still due when a thread, or the profile, ends.
 * Holds   1. Samples of a thread with a timer are due at cpu_due, cpu_due + cpu_every, and so on: when its
 *            timer expires. Whoever takes samples moves cpu_due past the thread's clock by compare-and-swap:
 *            each is counted once.
 *         2. No signal is sent for a sample that was taken before the profile ended (`look_lock`).
 * Locks   look_lock, rank prof: one look at a time. Who takes samples needs none.
 * Order   cpu_due and cpu_every are set before the thread is seen to have a timer (cpu.c).
 *
 * The kernel looks at CPU timers in its tick, and only at those of the thread that the tick interrupts. Where
 * threads compete for a CPU and their slices end between ticks, one may not be interrupted for most of a
 * second. So the signal says only that something may be due; the clock says how much.
 *
 * For such threads whoever empties the ring sends the signal: to one whose clock moves between two readings,
 * so that it runs on another CPU at this moment, which is as good a moment as a tick. A thread that waits for a
 * CPU is where the kernel took it off, more often than not in a call, and not where it uses its time. So that
 * one is signalled only when it is very late, and if it computes: if it has run since it was last seen so late,
 * and has not slept. One that sleeps now and then would be found in the call that it woke in: it is left to the
 * tick. No sleep of libc's notices a signal (io/announce.c).
 *
 * What is due when a thread is no longer sampled was used after its last sample, by the tick's or the look's
 * delay: it counts where that sample was. A signal would find the thread elsewhere: the one that stops the
 * profile in the function that does, others asleep, or not before they are given a CPU. If a thread of the
 * program's has had no sample, it counts as lost: the sum is right.
 *
 * Instead of setting the timer anew, to a time that has passed: that makes the kernel send the signal too, but
 * si_overrun, signals that are pending, and what timer_settime does to them, differ between kernels.
 */
#include "prof/cpu_int.h"

#include "prof/prof.h"
#include "sched/sched.h"

enum { VERY_LATE = 4 }; /* periods */

static struct lock look_lock = LOCK_INIT(prof);

void cpu_due_begin(struct m *m, int64_t first_ns, int64_t every_ns)
{
    store_rlx(&m->cpu_due, first_ns);
    store_rlx(&m->cpu_every, every_ns);
}

uint32_t cpu_due_take(struct m *m)
{
    int64_t now = os_clock_read_ns(m->cpu_clock), every = load_rlx(&m->cpu_every);
    for (;;) {
        int64_t due = load_rlx(&m->cpu_due);
        if (now < due) /* or there is no such thread any more */
            return 0;
        int64_t n = 1 + (now - due) / every;
        if (cas_seq(&m->cpu_due, due, due + n * every))
            return (uint32_t)n;
    }
}

void cpu_due_end(struct m *m)
{
    uint32_t n = cpu_due_take(m);
    if (n != 0)
        cpu_log_rest(m, n);
}

/* On another CPU, now: its clock showed `now`. */
static bool runs(const struct m *m, int64_t now)
{
    return os_clock_read_ns(m->cpu_clock) > now;
}

/* It has run since it was last found late, and has not slept. */
static bool computes(struct m *m, int64_t now)
{
    int64_t sleeps = os_thread_sleeps(m->tid);
    bool yes = sleeps >= 0 && sleeps == m->cpu_seen_sleeps && now > m->cpu_seen_ns;
    m->cpu_seen_ns = now;
    m->cpu_seen_sleeps = sleeps;
    return yes;
}

/* Of those with a timer; *arg counts them. */
static void look_at(struct m *m, void *arg)
{
    if (!prof_thread_has_timer(m))
        return;
    ++*(uint32_t *)arg;
    int64_t now = os_clock_read_ns(m->cpu_clock), late = now - load_rlx(&m->cpu_due);
    if (late < 0)
        return;
    if (runs(m, now) || (late >= VERY_LATE * load_rlx(&m->cpu_every) && computes(m, now)))
        (void)os_thread_signal(m->tid, SIGPROF);
}

uint32_t cpu_due_look(void)
{
    uint32_t n = 0;
    lock(&look_lock);
    sched_each_thread(look_at, &n);
    unlock(&look_lock);
    return n;
}

void cpu_due_await_look(void)
{
    lock(&look_lock);
    unlock(&look_lock);
}
