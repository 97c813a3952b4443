/* stw.c: the world is stopped.
 *
 * Owns    sched.stopping. One goroutine at a time stops the world; it then holds every P.
 * Holds   1. While stopping != 0 no idle P is given out and no goroutine is started.
 *         2. stop_wait counts the Ps not yet P_STOPPED.
 * A P is given in by its thread in the scheduler or at its next m_enter, in a signal handler, or is
 * taken from a thread that is in an announced or silent call.
 */
#include "sched/sched_int.h"

#include "conf/conf.h"

#include <signal.h>

static au32 stopper; /* 1: somebody stops the world */

/* A thread in the scheduler, on its own stack, gives its P in. */
void world_reached(struct m *m)
{
    lock(&sched.lock);
    if (load_rlx(&sched.stopping) == 0) {
        unlock(&sched.lock);
        return;
    }
    struct p *p = p_release(m);
    store_rlx(&p->status, (uint32_t)P_STOPPED);
    if (--sched.stop_wait == 0)
        note_wake(&sched.stop_note);
    unlock(&sched.lock);
}

static void stop_one(struct p *p, bool by_signal) REQUIRES(sched.lock)
{
    struct m *m = load_rlx(&p->m);
    if (load_rlx(&p->status) != P_RUNNING || m == NULL)
        return;
    or_seq(&m->attention, (uint32_t)ATT_STOP);
    if ((load_rlx(&m->announced) != 0 || load_rlx(&m->curg) == NULL ||
         ((struct g *)load_rlx(&m->curg))->foreign) &&
        p_revoke(p)) {
        store_rlx(&p->status, (uint32_t)P_STOPPED);
        sched.stop_wait--;
        return;
    }
    if (by_signal && knobs.asyncpreemptoff == 0)
        preempt_signal(m);
}

/* Asks every P; the number of Ps still awaited. */
static uint32_t ask_all(bool by_signal)
{
    lock(&sched.lock);
    for (uint32_t i = 0; i < load_rlx(&sched.nps); i++)
        stop_one(p_at(i), by_signal);
    uint32_t n = sched.stop_wait;
    unlock(&sched.lock);
    return n;
}

static void begin(struct p *mine)
{
    lock(&sched.lock);
    note_clear(&sched.stop_note);
    sched.stop_wait = load_rlx(&sched.nps);
    store_seq(&sched.stopping, 1u);
    if (mine != NULL) {
        store_rlx(&mine->status, (uint32_t)P_STOPPED);
        sched.stop_wait--;
    }
    struct p *p;
    while ((p = p_idle_get()) != NULL) {
        store_rlx(&p->status, (uint32_t)P_STOPPED);
        sched.stop_wait--;
    }
    unlock(&sched.lock);
}

PARKS void world_stop(enum wait_reason why)
{
    store_rlx(&m_curg(self())->wait_reason, (uint32_t)why);
    while (!cas_acq(&stopper, 0u, 1u)) /* pairs with world_start */
        yield();
    struct m *m = self();
    maker_start();
    begin(m_p(m));
    while (ask_all(true) > 0)
        note_sleep_for(&sched.stop_note, 1000000);
}

void world_start(void)
{
    struct m *m = self();
    bool work = false;
    lock(&sched.lock);
    store_seq(&sched.stopping, 0u);
    for (uint32_t i = load_rlx(&sched.nps); i-- > 0;) {
        struct p *p = p_at(i);
        if (load_rlx(&p->status) != P_STOPPED || p == m_p(m))
            continue;
        p_idle_put(p);
    }
    if (m_p(m) != NULL)
        store_rlx(&m_p(m)->status, (uint32_t)P_RUNNING);
    for (struct m *o = m_first(); o != NULL; o = m_next(o))
        and_seq(&o->attention, ~(uint32_t)ATT_STOP);
    work = load_rlx(&sched.runq_size) != 0;
    unlock(&sched.lock);
    store_rel(&stopper, 0u); /* pairs with world_stop */
    for (uint32_t i = 0; i < load_rlx(&sched.nps); i++)
        if (work || !runq_empty(p_at(i)))
            m_start(NULL, false);
    wake_one();
}

/* Stops the thread where it is, in a call too: that its calls are interrupted matters no more, and in
 * the handler it can be seen where its goroutine is. */
static bool freeze_by_signal(struct m *m)
{
    struct g *g = load_rlx(&m->curg);
    if (knobs.asyncpreemptoff != 0 || g == &m->g0 || g->foreign || g->sigctx != NULL ||
        load_rlx(&m->locks) != 0)
        return false;
    or_seq(&m->attention, (uint32_t)ATT_SIGNAL);
    return os_thread_signal(m->tid, SIGURG) == 0;
}

/* Best effort, for a program that is about to print its last report and exit: it is never started
 * again. */
void world_freeze(void)
{
    enum { ROUNDS = 5 };
    store_seq(&sched.dying, 1u);
    for (int i = 0; i < ROUNDS; i++) {
        if (!lock_try(&sched.lock)) {
            os_sleep_ns(200000);
            continue;
        }
        if (load_rlx(&sched.stopping) == 0) {
            sched.stop_wait = load_rlx(&sched.nps) + 1; /* nobody waits for it to reach zero */
            store_seq(&sched.stopping, 1u);
        }
        struct m *me = self();
        uint32_t running = 0;
        for (struct m *m = m_first(); m != NULL; m = m_next(m)) {
            if (m == me || load_rlx(&m->curg) == NULL || m->blocked)
                continue;
            or_seq(&m->attention, (uint32_t)ATT_STOP);
            if (freeze_by_signal(m))
                running++;
        }
        unlock(&sched.lock);
        if (running == 0)
            return;
        os_sleep_ns(1000000);
    }
}
