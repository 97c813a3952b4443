/* sysmon.c: the monitor, a thread without a P that looks after the others.
 *
 * Owns    the decision to take a P from a thread in a call, to ask a computing goroutine to give way,
 *         and to wake somebody when nobody else will. Prints schedtrace.
 * A P whose thread makes no progress in the scheduler is treated by what its thread does:
 *           in an announced call           taken after one look (20 us) when there is work for it
 *           its CPU clock stands still     and the kernel says that it sleeps: a call that nobody
 *                                          announced. Taken after 1 ms, silently; no signal, so no
 *                                          EINTR and no short sleep
 *           it computes, for 10 ms         asked to give way; at the next look, by SIGURG
 *         A thread whose P was taken and that computes nevertheless is stopped by SIGURG until a P
 *         is free.
 */
#include "sched/sched_int.h"
#include "sched/up.h"

#include "conf/conf.h"
#include "poll/poll.h"

#define LONG_SLEEP_NS  INT64_C(1000000000)
#define STAMP_EVERY_NS INT64_C(30000000000) /* while nothing is collected */

void sysmon_wake(void)
{
    note_wake(&sched.monitor_note);
}

static void retake(struct p *p) REQUIRES(sched.lock)
{
    if (!p_revoke(p))
        return;
    unlock(&sched.lock);
    p_hand_off(p);
    lock(&sched.lock);
}

static bool others_want(const struct p *p)
{
    return !runq_empty(p) || load_rlx(&sched.runq_size) != 0 ||
           load_rlx(&sched.nidle_ps) + load_rlx(&sched.nspinning) == 0;
}

static void look_at_call(struct p *p, int64_t now) REQUIRES(sched.lock)
{
    int64_t in_call = now - p->seen.since;
    if (in_call >= SLICE_NS || (in_call >= SYSCALL_LOOK_NS && others_want(p)))
        retake(p);
}

/* No progress in the scheduler and no announced call: asleep, or computing? */
static void look_at_code(struct p *p, struct m *m, int64_t now) REQUIRES(sched.lock)
{
    if (now - p->seen.cpu_at >= ASLEEP_LOOK_NS && others_want(p)) {
        int64_t cpu = os_clock_read_ns(m->cpu_clock);
        bool still = cpu == p->seen.cpu_ns; /* both an error: only the kernel's word counts */
        if (still) {
            int asleep = os_thread_asleep(m->tid);
            still = cpu >= 0 ? asleep != 0 : asleep > 0;
        }
        p->seen.cpu_ns = cpu;
        p->seen.cpu_at = now;
        if (still && load_rlx(&m->locks) == 0) {
            retake(p);
            return;
        }
    }
    if (now - p->seen.since < SLICE_NS)
        return;
    or_seq(&m->attention, (uint32_t)ATT_YIELD);
    if (((struct g *)load_rlx(&m->curg))->foreign)
        retake(p);
    else if (p->seen.asked && knobs.asyncpreemptoff == 0)
        preempt_signal(m);
    p->seen.asked = true;
}

/* Somebody was made runnable here without a wake (wake.c): is that still the right thing? */
static void look_at_note(struct p *p) REQUIRES(sched.lock)
{
    uint32_t switches = load_rlx(&p->switches);
    bool backlog = load_rlx(&p->runq_head) != load_rlx(&p->runq_tail);
    bool stuck = switches == p->seen.switches && load_rlx(&p->runnext) != NULL;
    bool wake = load_rlx(&p->want_wake) != 0 && ((backlog && p->seen.backlog) || stuck);
    p->seen.switches = switches;
    p->seen.backlog = backlog;
    if (!wake)
        return;
    store_rlx(&p->want_wake, 0u);
    unlock(&sched.lock);
    wake_one();
    lock(&sched.lock);
}

static bool look_at(struct p *p, int64_t now) REQUIRES(sched.lock)
{
    struct m *m = load_rlx(&p->m);
    if (load_rlx(&p->status) != P_RUNNING || m == NULL || load_rlx(&m->p) != p)
        return false;
    look_at_note(p);
    uint32_t tick = load_rlx(&p->schedtick);
    if (tick != p->seen.tick) {
        p->seen.tick = tick;
        p->seen.since = now;
        p->seen.cpu_at = now;
        p->seen.cpu_ns = -1;
        p->seen.asked = false;
        return true;
    }
    if (load_rlx(&m->announced) != 0)
        look_at_call(p, now);
    else
        look_at_code(p, m, now);
    return true;
}

/* Threads that compute without a P while others wait for one. */
static void look_at_strays(void) REQUIRES(sched.lock)
{
    if (load_rlx(&sched.nidle_ps) != 0 || knobs.asyncpreemptoff != 0)
        return;
    for (struct m *m = m_first(); m != NULL; m = m_next(m)) {
        struct g *g = load_rlx(&m->curg);
        if ((load_rlx(&m->attention) & ATT_REVOKED) == 0 || load_rlx(&m->announced) != 0 ||
            load_rlx(&m->locks) != 0 || g == NULL || g->foreign)
            continue;
        int64_t cpu = os_clock_read_ns(m->cpu_clock);
        if (m->last_cpu_ns != 0 && cpu > m->last_cpu_ns + 1000000) {
            m->last_cpu_ns = 0;
            preempt_signal(m);
        } else if (m->last_cpu_ns == 0) {
            m->last_cpu_ns = cpu;
        }
    }
}

static void poll_if_nobody_does(int64_t now)
{
    int64_t last = load_seq(&sched.last_poll);
    if (poll_started() && poll_waiters() > 0 && last != 0 && now - last > POLL_EVERY_NS &&
        cas_seq(&sched.last_poll, last, now))
        schedule_poll();
}

static void timers_if_nobody_does(int64_t now)
{
    for (uint32_t i = 0; i < load_rlx(&sched.nps); i++) {
        int64_t next = timers_next(&p_at(i)->timers);
        if (next != INT64_MAX && next < now - 50000 && load_rlx(&sched.nidle_ps) > 0 &&
            load_rlx(&sched.last_poll) != 0) {
            wake_one();
            return;
        }
    }
}

static void trace_if_due(int64_t now, int64_t *last)
{
    if (knobs.schedtrace <= 0 || *last + knobs.schedtrace * INT64_C(1000000) > now)
        return;
    *last = now;
    sched_print_state(knobs.scheddetail > 0);
}

/* One look at everybody; true if some P runs. */
static bool look_around(int64_t now)
{
    bool running = false;
    lock(&sched.lock);
    if (load_rlx(&sched.stopping) == 0 && load_rlx(&sched.exiting) == 0) {
        for (uint32_t i = 0; i < load_rlx(&sched.nps); i++)
            running |= look_at(p_at(i), now);
        look_at_strays();
        if (!running)
            m_check_deadlock(); /* a thread of the program's own may have ended since */
    }
    unlock(&sched.lock);
    return running;
}

void *sysmon_main(void *arg)
{
    struct m *m = arg;
    int64_t delay = MONITOR_MIN_NS, last_trace = 0, last_trim = 0;
    uint32_t idle_rounds = 0;
    m_init_helper(m);
    for (;;) {
        int64_t now = os_nanotime();
        report_watchdog(now);
        if (load_rlx(&sched.dying) != 0) {
            os_sleep_ns(10000000);
            continue;
        }
        bool running = look_around(now);
        poll_if_nobody_does(now);
        timers_if_nobody_does(now);
        trace_if_due(now, &last_trace);
        maker_bridge();
        if (sched.want_maker && !sched.has_maker)
            maker_start();
        if (now - last_trim > 1000000000) {
            last_trim = now;
            stack_trim(256);
            gc_tick(now);
        }
        if (now - dump_last_stamp() > STAMP_EVERY_NS)
            dump_stamp_waiting(now);
        idle_rounds++;
        delay = idle_rounds < MONITOR_IDLE_ROUNDS ? MONITOR_MIN_NS : delay * 2;
        int64_t longest = running ? MONITOR_MAX_NS : SLICE_NS;
        if (!running && knobs.schedtrace <= 0 && load_rlx(&sched.nidle_ps) == load_rlx(&sched.nps))
            longest = LONG_SLEEP_NS; /* whoever takes an idle P wakes us */
        if (delay > longest)
            delay = longest;
        if (longest == LONG_SLEEP_NS) {
            store_seq(&sched.monitor_asleep, 1u);
            if (load_seq(&sched.nidle_ps) != load_rlx(&sched.nps))
                delay = MONITOR_MIN_NS;
        }
        if (note_sleep_for(&sched.monitor_note, delay)) {
            note_clear(&sched.monitor_note);
            idle_rounds = 0;
            delay = MONITOR_MIN_NS;
        }
        store_rlx(&sched.monitor_asleep, 0u);
    }
    return NULL;
}
