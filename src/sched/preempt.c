/* preempt.c: code that does not come back to the runtime by itself.
 *
 * Owns    SIGURG. The handler never switches stacks: it stops the thread where it is. The goroutine
 *         is queued, bound to its thread, and goes on when somebody hands that thread a P. That is
 *         safe at every instruction, inside malloc too, because nothing moves to another thread.
 * Holds   1. The handler acts only outside the runtime (locks == 0); inside, the flag that came with
 *            the signal is noticed at the next m_enter.
 *         2. A thread without a P that the signal finds outside while the world is held (stw.c) is not
 *            queued: it stays in the handler until world_start, and goes on without a P.
 *         3. ATT_SIGNAL is set from before the signal is sent until its handler has run; never while
 *            the thread is in an announced call (syscall.c). A signal of somebody else's that finds it
 *            there does nothing, unless the program is dying: the call may hold a lock that others, with a
 *            P, wait for. A call that holds a lock of ours (m->steady) is not stopped then, either: who prints
 *            the report wants that lock.
 * Locks   sched.lock while sending: a thread that ends takes itself off the list under it.
 */
#include "sched/sched_int.h"

#include <signal.h>

void preempt_signal(struct m *m)
{
    if (load_rlx(&m->attention) & (ATT_SIGNAL | ATT_NOBODY))
        return;
    if (!sched.has_maker && load_rlx(&sched.dying) == 0) {
        sched.want_maker = true; /* first that, then signals: maker.c */
        sysmon_wake();
        return;
    }
    or_seq(&m->attention, (uint32_t)ATT_SIGNAL);
    if (!sched.barrier_by_cas)
        os_membarrier(); /* pairs with sched_enter_syscall */
    if (m_in_call(m) || os_thread_signal(m->tid, SIGURG) != 0)
        and_seq(&m->attention, ~(uint32_t)ATT_SIGNAL);
}

/* For the collector: where the goroutine's stack ends now is known even when it runs again. */
static void note_context(struct m *m, struct g *g, const void *ucontext)
{
    if (g->foreign || g->in_cgo || m_in_call(m))
        return;
    arch_ucontext_to_context(ucontext, &g->ctx);
    g->ctx.sp -= ARCH_RED_ZONE_BYTES;
}

/* `held` is taken back before the last look at sched.hold; world_stop_all looks at them in the other
 * order: a thread that it sees held stays here. */
static void stay_held(struct m *m, struct g *g, void *ucontext)
{
    note_context(m, g, ucontext);
    g->sigctx = ucontext;
    do {
        store_seq(&m->held, ucontext);
        note_wake(&sched.stop_note);
        while (world_held())
            world_await_start(m);
        store_seq(&m->held, NULL);
    } while (world_held());
    g->sigctx = NULL;
}

/* On the signal stack of `m`, outside the runtime when locks is 0. */
void preempt_on_signal(struct m *m, void *ucontext)
{
    and_seq(&m->attention, ~(uint32_t)ATT_SIGNAL);
    bool in_call = m_in_call(m) && (load_rlx(&sched.dying) == 0 || load_rlx(&m->steady) != 0);
    if (load_rlx(&m->locks) != 0 || in_call)
        return;
    store_rlx(&m->locks, 1u);
    compiler_barrier();
    if (load_rlx(&m->attention) & ATT_BARRIER)
        add_seq(&m->locks, 0u);
    while (load_seq(&m->attention) & ATT_REVOKING)
        cpu_relax(10);
    uint32_t a = load_seq(&m->attention);
    struct g *g = m_curg(m);
    if (g != &m->g0 && (a & ATT_REVOKED) && world_held()) {
        stay_held(m, g, ucontext);
        m_leave(m);
        return;
    }
    bool stop = (a & ATT_STOP) != 0 && load_rlx(&sched.stopping) != 0;
    if (g == &m->g0 || g->foreign || (a & ATT_EXIT) ||
        !(stop || (a & (ATT_YIELD | ATT_REVOKED)) != 0)) {
        m_leave(m);
        return;
    }
    if (a & ATT_REVOKED)
        store_rlx(&m->p, NULL);
    and_seq(&m->attention, ~(uint32_t)(ATT_YIELD | ATT_STOP | ATT_REVOKED));
    bool was_bound = load_rlx(&g->bound) != NULL;
    note_context(m, g, ucontext);
    g->sigctx = ucontext;
    store_rlx(&g->bound, m);
    m->in_handler = true;
    if ((a & ATT_REVOKED) == 0)
        tap_go_stop(m, g, STOP_PREEMPTED);
    park_in_place(m, g, commit_global, NULL);
    m->in_handler = false;
    if (!was_bound)
        store_rlx(&g->bound, NULL);
    g->sigctx = NULL;
    and_seq(&m->attention, ~(uint32_t)ATT_YIELD);
    m_leave(m);
}
