/* wake.c: how many threads look for work.
 *
 * Owns    the number of spinning Ms, and the decision to wake a sleeping one.
 * Holds   1. Whoever makes a goroutine runnable and then sees an idle P and no spinner, wakes one
 *            thread; it spins (looks for work) until it finds some or gives up.
 *         2. A spinner that gives up leaves nspinning first and then looks everywhere once more
 *            (work_anywhere): a producer that saw it spinning is not lost. A goroutine in the
 *            runnext of a P that runs is left to that P, with a note for the monitor.
 *         3. A spinner that finds work and was the last wakes another.
 * Order   producer: queue, then nspinning; spinner: nspinning, then queues; all seq_cst
 *         (test/model/wake.pml).
 * Instead of waking at every ready(): a wake costs the waker 4 to 30 us, so it is for work that is
 *         worth it. A woken thread that has nothing to do again within BRIEF_NS counts against the
 *         next wake: `restraint` grows, and a P's ring must hold restraint / RESTRAINT_STEP goroutines
 *         before it wakes anyone (so that two that hand one P back and forth, or a burst of tiny
 *         ones, run where they are). A longer run halves it. What is not woken is noted in want_wake,
 *         and the monitor wakes somebody if the ring is still not empty, or the next goroutine has
 *         still not run, when it next looks.
 */
#include "sched/sched_int.h"

enum { RESTRAINT_STEP = 4, RESTRAINT_MAX = 32 * RESTRAINT_STEP, BRIEF_NS = 60000 };

void wake_one(void)
{
    if (load_seq(&sched.nidle_ps) == 0 || load_seq(&sched.nspinning) != 0 ||
        load_rlx(&sched.stopping) != 0)
        return;
    if (!cas_seq(&sched.nspinning, 0u, 1u))
        return;
    m_start(NULL, true);
}

void wake_for(struct p *p)
{
    if (load_seq(&sched.nidle_ps) == 0 || load_seq(&sched.nspinning) != 0)
        return;
    uint32_t backlog = load_rlx(&p->runq_tail) - load_rlx(&p->runq_head);
    if (backlog < load_rlx(&sched.restraint) / RESTRAINT_STEP) {
        if (load_rlx(&p->want_wake) == 0)
            store_rlx(&p->want_wake, 1u);
        return;
    }
    /* A wake takes long enough for the woken thread to mistake us for a computing one, and to take
     * what we are about to run. */
    store_rlx(&p->waking, 1u);
    wake_one();
    store_rlx(&p->waking, 0u);
}

void spinning_end(struct m *m, bool found)
{
    store_rlx(&m->spinning, 0u);
    uint32_t before = sub_seq(&sched.nspinning, 1u);
    DCHECK(before > 0);
    if (found && before == 1)
        wake_one(); /* invariant 3 */
}

/* A woken thread has had nothing to do again after `busy_ns`. Races of several only blur it. */
void wake_was_worth(int64_t busy_ns)
{
    uint32_t r = load_rlx(&sched.restraint);
    if (busy_ns > BRIEF_NS)
        store_rlx(&sched.restraint, r / 2);
    else if (r < RESTRAINT_MAX)
        store_rlx(&sched.restraint, r + 1);
}

bool work_anywhere(void)
{
    if (load_seq(&sched.runq_size) != 0)
        return true;
    uint32_t n = load_rlx(&sched.nps);
    for (uint32_t i = 0; i < n; i++) {
        struct p *p = p_at(i);
        if (runq_empty(p))
            continue;
        if (load_rlx(&p->status) != P_RUNNING || load_acq(&p->runq_head) != load_acq(&p->runq_tail))
            return true;
        store_rlx(&p->want_wake, 1u); /* only its runnext: the monitor looks whether it moves */
    }
    return false;
}

bool sched_can_spin(int rounds)
{
    struct m *m = self();
    return rounds < 4 && os_cpu_count() > 1 && load_rlx(&sched.nps) > 1 &&
           load_rlx(&sched.nidle_ps) + load_rlx(&sched.nspinning) + 1 < load_rlx(&sched.nps) &&
           m_p(m) != NULL && runq_empty(m_p(m));
}
