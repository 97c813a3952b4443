/* attach.c: threads of the program, and the start of the runtime's own.
 *
 * Owns    the M of a thread that the runtime did not make. Its goroutine runs on the thread's stack,
 *         is bound to it, and parks in place. Outside the runtime it is as if in an announced call:
 *         its P is anybody's, and no signal interrupts it.
 */
#include "sched/sched_int.h"

#include "mem/mem.h"

#include <gort/go.h>

int *gort_errno_location(void)
{
    return __errno_location();
}

static struct g *foreign_g(struct m *m)
{
    struct g *g = persist_alloc(sizeof *g, 64);
    g_init_thread(g);
    g->id = add_seq(&sched.next_g_id, 1u) + 1;
    g->foreign = true;
    g->started = true;
    store_rlx(&g->m, m);
    store_rlx(&g->bound, m);
    store_rlx(&g->status, (uint32_t)G_RUNNING);
    return g;
}

/* Ms and their goroutines of threads that came and went, for the next. */
static struct m *detached;

bool gort_attach_thread(void)
{
    if (!sched.started || load_rlx(&sched.exiting) != 0)
        fatal("gort: the runtime is not running (call gort_run first)");
    if ((load_rlx(&self()->attention) & ATT_NOBODY) == 0)
        return false;
    lock(&sched.lock);
    struct m *m = detached;
    if (m != NULL) {
        detached = m->idle_next;
        m->idle_next = NULL;
        m_list(m);
    } else {
        m = m_new_locked(M_WAS_THERE);
    }
    unlock(&sched.lock);
    struct g *g = m->g0.param;
    m_init_self(m, false);
    if (g == NULL)
        g = foreign_g(m);
    else
        os_thread_stack(&g->stack.lo, &g->stack.hi);
    m->g0.param = NULL;
    store_rlx(&g->labels, NULL);
    add_rlx(&sched.nforeign, 1);
    if (track_fibers()) {
        g->fiber = track_fiber_current();
        track_fiber_name(g->fiber, g->id);
    }
    or_seq(&m->attention, (uint32_t)ATT_REVOKED); /* its first m_enter gets a P */
    lock(&sched.lock);
    while (world_held()) { /* it has stopped this thread as one that runs nothing */
        unlock(&sched.lock);
        world_await_start(m);
        lock(&sched.lock);
    }
    store_rel(&m->announced, 1u);
    g->trace.state = 0;
    store_rel(&m->curg, g); /* pairs with m_user_g */
    unlock(&sched.lock);
    tap_thread_attach(m, g);
    m_leave(m);
    return true;
}

void gort_detach_thread(void)
{
    struct m *m = self();
    if ((load_rlx(&m->attention) & ATT_NOBODY) || !m_curg(m)->foreign)
        fatal("gort: this thread is not attached (call gort_attach_thread first)");
    m = m_enter();
    struct g *g = m_curg(m);
    add_rlx(&sched.nforeign, -1);
    tap_go_end(m, g);
    store_rlx(&m->curg, &m->g0);
    struct p *p = p_release(m);
    p_hand_off(p);
    m->lock_count = 0;
    store_rlx(&m->thread_pointer, (uint64_t)0); /* our thread-locals end with us */
    tap_thread_end(m);
    m->g0.param = g;
    m_forget(m);
    store_rlx(&m->attention, sched.barrier_by_cas ? (uint32_t)ATT_BARRIER : 0u);
    self_m = m_nobody_ptr();
    lock(&sched.lock);
    m->idle_next = detached;
    detached = m;
    unlock(&sched.lock);
}

struct m *sched_start(int nprocs)
{
    sched.barrier_by_cas =
        !os_has_membarrier() ||
        track_is(TRACK_RACES | TRACK_FAKES); /* each m_enter and call is to be seen */
    sched.started_ns = os_nanotime();
    store_rlx(&sched.last_poll, sched.started_ns);
    sched_init(nprocs);
    lock(&sched.lock);
    struct m *m0 = m_new_locked(M_WAS_THERE);
    unlock(&sched.lock);
    m0->is_main = true;
    sched.m0 = m0;
    m_init_self(m0, true);
    sched_signals_init();
    sched.started = true;
    int r = os_thread_start(sysmon_main, m_new_helper());
    if (r != 0)
        m_refused(1, r);
    return m0;
}

/* gort_run returns: this thread is the program's again. */
void sched_stop_main(void)
{
    os_signal_stack_drop();
    self_m = m_nobody_ptr();
    note_wake(&sched.exit_note);
}
