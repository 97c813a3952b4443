/* syscall.c: calls that may block, and coming back without a P.
 *
 * Owns    what happens when a thread enters the runtime and something wants its attention. (Announcing a
 *         call is arch/.../call.S.)
 * Holds   1. Between gort_enter_syscall and gort_exit_syscall the P may be gone at any time, and no
 *            SIGURG is sent: `announced` is set before ATT_SIGNAL is looked at, and preempt_signal
 *            looks at them in the other order with a barrier between.
 *         2. While announced, g->ctx has what the caller of gort_enter_syscall holds. Who comes back
 *            while the world is held waits for its start before it lets go of that: `announced` is
 *            lowered before sched.hold is looked at, world_stop_all looks at them in the other order
 *            with a barrier between.
 * Instead of a compare-and-swap on the P's status at each end, as Go does: a thread outside the
 *         runtime can be revoked at any time anyway, so a call costs two plain stores.
 */
#include "sched/sched_int.h"

#include "conf/conf.h"
#include "sched/up.h"

#include <gort/go.h>

#include <signal.h>

static NORETURN COLD void not_attached(void)
{
    if (!sched.started)
        fatal("gort: the runtime is not running (call gort_run first)");
    fatal("gort: this thread is not attached (call gort_attach_thread first)");
}

static bool commit_regained(struct g *g, void *arg)
{
    struct m *m = self();
    commit_global(g, arg);
    lock(&sched.lock);
    m->regaining = false;
    unlock(&sched.lock);
    if (world_held())
        note_wake(&sched.stop_note);
    return true;
}

/* The P is gone: takes an idle one, or waits for one in the global queue. */
static void p_regain(struct m *m)
{
    struct g *g = m_curg(m);
    struct p *p = NULL;
    store_rlx(&m->p, NULL);
    and_seq(&m->attention, ~(uint32_t)ATT_REVOKED);
    if (load_rlx(&sched.stopping) == 0) {
        lock(&sched.lock);
        p = load_rlx(&sched.stopping) == 0 ? p_idle_get() : NULL;
        unlock(&sched.lock);
    }
    if (p != NULL) {
        tap_syscall_lost(m, g);
        p_acquire(m, p);
        tap_go_start(m, g);
        return;
    }
    if (load_rlx(&g->bound) != NULL) {
        park_in_place(m, g, commit_global, NULL);
        return;
    }
    lock(&sched.lock);
    m->regaining = true; /* until its context is known, however it looks from outside */
    unlock(&sched.lock);
    m->commit = commit_regained;
    switch_to(m, g, &m->g0);
}

struct m *m_enter_slow(void)
{
    for (;;) {
        struct m *m = self();
        uint32_t a = load_acq(&m->attention);
        if (a & ATT_NOBODY)
            not_attached();
        if (a & ATT_BARRIER) {
            add_seq(&m->locks, 0u); /* pairs with p_revoke */
            if (track_is(TRACK_FAKES))
                m_curg(m)->fake_stack = track_fake_stack();
            a = load_seq(&m->attention) & ~(uint32_t)ATT_BARRIER;
        }
        if (a == 0 || load_rlx(&m->locks) > 1)
            return m;
        if (a & ATT_REVOKING) { /* a few microseconds */
            cpu_relax(10);
            continue;
        }
        if (a & ATT_REVOKED) {
            p_regain(m);
            continue;
        }
        if (m_curg(m) == &m->g0)
            return m;
        if (a & ATT_EXIT) {
            if (m->is_main || load_rlx(&sched.exiting) == 0)
                yield();
            else
                m_sleep_for_ever();
            return self();
        }
        if (a & (ATT_YIELD | ATT_STOP)) {
            and_seq(&m->attention, ~(uint32_t)(ATT_YIELD | ATT_STOP));
            if ((a & ATT_YIELD) || load_rlx(&sched.stopping) != 0) {
                struct g *g = m_curg(m);
                tap_go_stop(m, g, STOP_PREEMPTED);
                if (load_rlx(&g->bound) != NULL) {
                    park_in_place(m, g, commit_global, NULL);
                } else {
                    m->commit = commit_global;
                    switch_to(m, g, &m->g0);
                }
            }
            continue;
        }
        if (a & ATT_ASSIST) {
            and_seq(&m->attention, ~(uint32_t)ATT_ASSIST);
            if (!m_curg(m)->foreign)
                gc_assist();
            continue;
        }
        return m; /* ATT_SIGNAL alone: it is on its way and finds us inside */
    }
}

/* A SIGURG is on its way to this thread: its handler runs in a moment. If the program blocks the
 * signal on this thread, it stays pending and interrupts nothing. */
static COLD void await_signal(struct m *m)
{
    while (load_seq(&m->attention) & ATT_SIGNAL) {
        os_thread_yield();
        if (os_signal_blocked(SIGURG))
            return;
    }
}

_Static_assert(offsetof(struct m, locks) == M_LOCKS, "arch/.../offsets.h");
_Static_assert(offsetof(struct m, attention) == M_ATTENTION, "arch/.../offsets.h");
_Static_assert(offsetof(struct m, curg) == M_CURG, "arch/.../offsets.h");
_Static_assert(offsetof(struct m, announced) == M_ANNOUNCED, "arch/.../offsets.h");
_Static_assert(offsetof(struct g, ctx) == 0, "arch/.../call.S");
_Static_assert(PROBE_TRACE == M_PROBE_TRACE, "arch/.../offsets.h");
_Static_assert(ATT_NOBODY == M_ATT_NOBODY, "arch/.../offsets.h");
_Static_assert((ATT_SIGNAL | ATT_BARRIER) == M_ATT_CALL, "arch/.../offsets.h");

/* sched_enter_syscall goes on here when its thread is to be careful; the real barrier for all others is
 * made in preempt_signal. */
void sched_announced(struct m *m)
{
    add_seq(&m->announced, 0u);
    if (track_is(TRACK_FINALS))
        track_release(&track_on); /* an object may die during the call: final.c */
    await_signal(m);
}

/* The P is gone, or a barrier is to be made. `announced` is lowered already, but g->ctx is as it was. Only
 * who has no P waits here: a P must not be kept from the stop that is under way. */
static COLD void exit_slow(struct m *m)
{
    add_seq(&m->announced, 0u); /* pairs with world_stop_all */
    while (load_rlx(&m->locks) == 0 && (load_seq(&m->attention) & ATT_REVOKED) && world_held()) {
        store_rlx(&m->locks, 1u); /* no handler may use our note */
        add_seq(&m->announced, 1u);
        world_await_start(m);
        sub_seq(&m->announced, 1u);
        m_leave(m);
    }
    m_enter();
    m_leave(self());
}

/* sched_enter_syscall comes by here first while a trace is made. The registers that its caller wants to have
 * kept are as they were. May park. */
void sched_trace_call(void)
{
    struct m *m = self();
    if ((load_rlx(&m->attention) & ATT_NOBODY) || load_rlx(&m->locks) != 0)
        return;
    m = m_enter();
    tap_syscall_begin(m);
    m_leave(m);
}

static COLD void trace_call_end(void)
{
    struct m *m = self();
    if (load_rlx(&m->locks) != 0)
        return;
    m = m_enter();
    tap_syscall_end(m);
    m_leave(m);
}

bool sched_is_inside(void)
{
    struct m *m = self();
    return (load_rlx(&m->attention) & ATT_NOBODY) == 0 && load_rlx(&m->locks) != 0;
}

void sched_exit_syscall(void)
{
    struct m *m = self();
    USDT(syscall_end);
    if (unlikely(load_rlx(&m->attention) & ATT_NOBODY))
        return;
    store_rlx(&m->announced, load_rlx(&m->announced) - 1);
    compiler_barrier(); /* a real one is made in world_stop_all */
    if (unlikely(load_rlx(&m->attention) & (ATT_REVOKED | ATT_BARRIER)))
        exit_slow(m);
    if (probe_on(PROBE_TRACE))
        trace_call_end();
}

void sched_steady(bool steady)
{
    struct m *m = self();
    compiler_barrier(); /* who asks is this thread's handler; others only guess */
    if ((load_rlx(&m->attention) & ATT_NOBODY) == 0)
        store_rlx(&m->steady, steady ? 1u : 0u);
    compiler_barrier();
}

void sched_want_assist(void)
{
    or_seq(&self()->attention, (uint32_t)ATT_ASSIST);
}

void gort_lock_os_thread(void)
{
    struct m *m = m_enter();
    struct g *g = m_curg(m);
    bool over = m->lock_count + 1 >= UINT32_MAX - 1;
    if (!over)
        m->lock_count++;
    store_rlx(&g->bound, m);
    m_leave(m);
    if (over)
        panic_string("LockOSThread nesting overflow");
}

void gort_unlock_os_thread(void)
{
    struct m *m = m_enter();
    struct g *g = m_curg(m);
    if (m->lock_count > 0 && --m->lock_count == 0 && !g->foreign)
        store_rlx(&g->bound, NULL);
    m_leave(m);
}

struct cgo {
    void (*fn)(void *);
    void *arg;
    const struct stack *from;
    void *fake_stack;
    struct context
        at; /* what the callers hold: on this stack, where the collector finds it, whatever
                          becomes of g->ctx meanwhile */
};

static void cgo_run(void *call)
{
    struct cgo *c = call;
    track_arrive(NULL);
    c->fn(c->arg);
    track_leave(NULL, c->from->lo, c->from->hi);
}

/* ThreadSanitizer: what was done on this stack, by the thread and by goroutines that called here before,
 * happened before; and the other way round. */
static void track_borrow(struct m *m)
{
    if (!track_is(TRACK_RACES))
        return;
    track_release_as(m->g0.fiber, &m->g0);
    track_acquire(&m->g0);
}

static void track_return(struct m *m)
{
    if (!track_is(TRACK_RACES))
        return;
    track_release(&m->g0);
    track_acquire_as(m->g0.fiber, &m->g0);
}

/* On the thread's own stack; the goroutine is bound to the thread meanwhile, so that what `fn` calls
 * back may park: it parks in place. */
void gort_cgocall(void (*fn)(void *), void *arg)
{
    if (knobs.cgocheck != 0)
        gc_check_cgo_arg(arg);
    struct m *m = m_enter();
    struct g *g = m_curg(m);
    struct cgo c = {.fn = fn, .arg = arg, .from = &g->stack};
    bool on_thread_stack = g->foreign || g->in_cgo;
    bool was_bound = load_rlx(&g->bound) != NULL;
    store_rlx(&m->ncgocall, load_rlx(&m->ncgocall) + 1);
    store_rlx(&g->bound, m);
    arch_keep(&c.at);
    if (!on_thread_stack) {
        g->cgo_at = &c.at;
        store_rel(&g->cgo_sp, (uint64_t)c.at.sp); /* pairs with last_sp (gc/stacks.c) */
    }
    g->in_cgo = true;
    m_leave(m);
    sched_enter_syscall();
    if (on_thread_stack) {
        fn(arg);
    } else {
        track_leave(&c.fake_stack, m->g0.stack.lo, m->g0.stack.hi);
        track_borrow(m);
        track_below(m->g0.ctx.sp);
        arch_call_on((void *)((m->g0.ctx.sp - 256) & ~(uintptr_t)15), cgo_run, &c);
        track_return(m);
        track_arrive(c.fake_stack);
    }
    sched_exit_syscall();
    m = m_enter();
    g->in_cgo = on_thread_stack && !g->foreign;
    if (!on_thread_stack) {
        g->ctx.sp = c.at.sp; /* what it called may have parked on the other stack */
        store_rel(&g->cgo_sp, (uint64_t)0);
    }
    if (!was_bound && m->lock_count == 0)
        store_rlx(&g->bound, NULL);
    m_leave(m);
}

/* A recovered panic goes on at `sp`: the announced and foreign calls above it are over. */
void sched_unwound_to(uintptr_t sp)
{
    struct m *m = m_enter();
    struct g *g = m_curg(m);
    if (!g->foreign && sp >= g->stack.lo && sp < g->stack.hi) {
        store_rlx(&m->announced, 0u);
        tap_syscall_end(m);
        if (g->in_cgo && m->lock_count == 0)
            store_rlx(&g->bound, NULL);
        if (g->in_cgo)
            g->ctx.sp = sp;
        g->in_cgo = false;
        store_rel(&g->cgo_sp, (uint64_t)0);
    }
    m_leave(m);
}

int64_t gort_num_cgo_call(void)
{
    struct m *m = m_enter();
    lock(&sched.lock);
    int64_t n = sched.nexited_cgocalls;
    for (struct m *o = m_first(); o != NULL; o = m_next(o))
        n += (int64_t)load_rlx(&o->ncgocall);
    unlock(&sched.lock);
    m_leave(m);
    return n;
}

void gort_exit_syscall(void)
{
    sched_exit_syscall();
}
