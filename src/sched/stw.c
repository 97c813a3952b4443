/* stw.c: the world is stopped.
 *
 * Owns    sched.stopping and sched.hold. One goroutine, or one helper of the runtime's own, at a time
 *         stops the world; it then holds every P.
 * Holds   1. While stopping != 0 no idle P is given out and no goroutine is started.
 *         2. stop_wait counts the Ps not yet P_STOPPED.
 *         3. sched.hold is odd from the beginning of world_stop_all to world_start.
 *         4. When world_stop_all returns, each thread either
 *              is on its own stack, in the scheduler, the context of what it left being complete;
 *              sleeps in place with its goroutine (park_in_place);
 *              is in an announced call, and stays or waits at its end (exit_slow);
 *              is held in a signal handler (preempt.c); or
 *              is `loose`: it sleeps in a call that nobody announced and no signal interrupts.
 *            A loose thread that wakes is not kept from running: its program blocks SIGURG or has a
 *            handler of its own for it, or the build has no signals (ThreadSanitizer).
 *         5. While the world is held no thread attaches, and none without a P becomes `held` for less
 *            than the rest of the stop.
 * Order   world_await_start stores awaits_start, then looks at hold; world_start changes hold, then
 *         takes awaits_start. Both are seq_cst: not both miss, and who takes it wakes or returns.
 * A P is given in by its thread in the scheduler or at its next m_enter, in a signal handler, or is
 * taken from a thread that is in an announced or silent call.
 */
#include "sched/sched_int.h"

#include "conf/conf.h"

#include <signal.h>

#define STOPPER_LOOK_NS 20000
#define ANSWER_NS       INT64_C(1000000) /* so long a thread that could take a signal does not sleep on */

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

/* Does it sleep in a call that nobody announced, and take no signal? `again`: it was asked before. */
static bool sleeps_with_p(struct m *m, bool again)
{
    bool sent = (load_rlx(&m->attention) & ATT_SIGNAL) != 0;
    return again && load_rlx(&m->locks) == 0 && (sent || knobs.asyncpreemptoff != 0) &&
           os_thread_asleep(m->tid) == 1;
}

static void stop_one(struct p *p, bool again) REQUIRES(sched.lock)
{
    struct m *m = load_rlx(&p->m);
    if (load_rlx(&p->status) != P_RUNNING || m == NULL)
        return;
    or_seq(&m->attention, (uint32_t)ATT_STOP);
    if ((load_rlx(&m->announced) != 0 || load_rlx(&m->curg) == NULL ||
         ((struct g *)load_rlx(&m->curg))->foreign || sleeps_with_p(m, again)) &&
        p_revoke(p)) {
        store_rlx(&p->status, (uint32_t)P_STOPPED);
        sched.stop_wait--;
        return;
    }
    if (knobs.asyncpreemptoff == 0)
        preempt_signal(m);
}

/* Asks every P; the number of Ps still awaited. */
static uint32_t ask_all(bool again)
{
    lock(&sched.lock);
    for (uint32_t i = 0; i < load_rlx(&sched.nps); i++)
        stop_one(p_at(i), again);
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

/* The program ends, and those that were to be stopped sleep for ever. */
static NORETURN void overtaken(void)
{
    struct m *m = self();
    world_start();
    if (m->is_main)
        jump_to_g0(m);
    m_sleep_for_ever();
}

/* A thread of the runtime's own has no P to yield. */
static PARKS void become_stopper(enum wait_reason why)
{
    struct m *m = self();
    bool helper = m_curg(m) == &m->g0;
    store_rlx(&m_curg(m)->wait_reason, (uint32_t)why);
    while (!cas_acq(&stopper, 0u, 1u)) { /* pairs with world_start */
        if (helper)
            os_sleep_ns(STOPPER_LOOK_NS);
        else
            yield();
    }
    maker_start();
}

static void stop_ps(void)
{
    begin(m_p(self()));
    for (bool again = false; ask_all(again) > 0; again = true) {
        if (load_rlx(&sched.exiting) != 0)
            overtaken();
        note_sleep_for(&sched.stop_note, 1000000);
    }
}

PARKS void world_stop_for(enum wait_reason why, enum stw_kind kind)
{
    become_stopper(why);
    if (m_p(self()) != NULL)
        tap_stw_begin(kind);
    stop_ps();
    if (m_p(self()) == NULL)
        tap_stw_begin(kind);
}

PARKS void world_stop(enum wait_reason why)
{
    world_stop_for(why, why == WAIT_DUMP ? STW_HEAP_DUMP : STW_OTHER);
}

/* ---- threads without a P */

/* For invariant 4, last case. A thread that is about to wake, or waits for a page, takes the signal. */
static bool sleeps_undisturbed(struct m *m, int64_t waited_ns)
{
    if (!sched.signals)
        return os_thread_asleep(m->tid) == 1;
    if (waited_ns < ANSWER_NS || os_thread_asleep(m->tid) != 1)
        return false;
    bool sent = (load_rlx(&m->attention) & ATT_SIGNAL) != 0;
    int blocks = sent ? os_thread_blocks(m->tid, SIGURG) : -1;
    return blocks >= 0 ? blocks == 1 : waited_ns > 100 * ANSWER_NS;
}

/* Invariant 4, all Ps being stopped; if it does not hold yet, something is done about it. */
static bool is_at_rest(struct m *m, int64_t waited_ns) REQUIRES(sched.lock)
{
    struct g *g = load_acq(&m->curg); /* pairs with gort_attach_thread */
    if (m->loose || load_rlx(&m->blocked) != 0 || g == NULL || m == self())
        return true;
    if (g == &m->g0)
        return !m->regaining;
    if (load_seq(&m->held) != NULL || m_in_call(m))
        return true;
    if (load_rlx(&m->locks) != 0)
        return false; /* it comes to m_enter's slow road, or is there */
    m->loose = sleeps_undisturbed(m, waited_ns);
    m->loose_g = g;
    if (!m->loose && sched.signals)
        preempt_signal(m);
    return m->loose;
}

static bool all_at_rest(int64_t waited_ns)
{
    bool all = true;
    if (!sched.barrier_by_cas)
        os_membarrier(); /* pairs with sched_exit_syscall */
    lock(&sched.lock);
    for (struct m *m = m_first(); m != NULL; m = m_next(m))
        all = is_at_rest(m, waited_ns) && all;
    unlock(&sched.lock);
    return all;
}

static void hold_strays(void)
{
    int64_t began = os_nanotime(), now = began;
    for (int64_t nap = STOPPER_LOOK_NS; !all_at_rest(now - began); now = os_nanotime()) {
        if (load_rlx(&sched.exiting) != 0)
            overtaken();
        note_sleep_for(&sched.stop_note, nap);
        note_clear(&sched.stop_note);
        nap = nap < 1000000 ? 2 * nap : nap;
    }
}

PARKS void world_stop_all_for(enum wait_reason why, enum stw_kind kind)
{
    become_stopper(why);
    lock(&sched.lock);
    for (struct m *m = m_first(); m != NULL; m = m_next(m))
        m->loose = false;
    store_seq(&sched.hold, load_rlx(&sched.hold) + 1);
    unlock(&sched.lock);
    stop_ps();
    hold_strays();
    tap_stw_begin(kind);
}

PARKS void world_stop_all(enum wait_reason why)
{
    world_stop_all_for(why, STW_OTHER);
}

void world_await_start(struct m *m)
{
    uint32_t seen = load_seq(&sched.hold);
    if ((seen & 1) == 0)
        return;
    note_clear(&m->note);
    store_seq(&m->awaits_start, 1u);
    if (load_seq(&sched.hold) != seen && swap_seq(&m->awaits_start, 0u) != 0)
        return; /* else somebody is about to wake us */
    note_sleep(&m->note);
}

static void release_held(void)
{
    if (!world_held())
        return;
    store_seq(&sched.hold, load_rlx(&sched.hold) + 1);
    for (struct m *m = m_first(); m != NULL; m = m_next(m))
        if (swap_seq(&m->awaits_start, 0u) != 0)
            note_wake(&m->note);
}

void world_start(void)
{
    struct m *m = self();
    bool work = false;
    tap_stw_end();
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
    release_held();
    store_rel(&stopper, 0u); /* pairs with become_stopper */
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
    if (load_rlx(&m->steady) != 0)
        return true; /* it is coming out */
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
            if (m == me || load_rlx(&m->curg) == NULL || load_rlx(&m->blocked) != 0)
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
