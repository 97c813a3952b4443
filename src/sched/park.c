/* park.c: a goroutine waits, and is woken.
 *
 * Owns    the switch between goroutines and what must happen right after one.
 * Holds   1. Nobody can run a goroutine before it has left its stack: what makes it findable (a queue,
 *            a released lock) happens in the commit, which the next flow of control on the same
 *            thread calls first of all (finish_switch).
 *         2. A bound goroutine (locked to its thread, attached from outside, or stopped in a signal
 *            handler) waits in place: its thread sleeps on its note until somebody hands it a P.
 *         3. `locks` is exactly 1 at every switch.
 * Order   commit publishes the goroutine (a lock's release, a queue's store_rel); ready's caller saw
 *         that before it took the goroutine out.
 * Instead of going through the scheduler's own stack at every switch: with something in the local
 *         queue one goroutine jumps straight into the next, which halves the cost.
 */
#include "sched/sched_int.h"
#include "sched/up.h"

#include "base/track.h"

#include <gort/go.h>

const char *wait_reason_text(enum wait_reason r)
{
    static const char *const texts[] = {
#define WAIT(name, text) text,
#include "sched/wait.def"
#undef WAIT
    };
    return r < WAIT_REASONS ? texts[r] : "unknown wait reason";
}

void go_switch_watched(struct m *m, struct g *g)
{
    if (probe_on(PROBE_SHOT))
        prof_shot_moves(g);
    if (probe_on(PROBE_TRACE))
        trace_go_start(m, g);
}

void refused_to_wait(struct g *prev)
{
    struct p *p = m_p(self());
    make_runnable(prev);
    tap_go_refused(prev);
    if (p != NULL)
        runq_put(p, prev);
    else
        global_put(prev);
}

static void track_thread_locals(struct m *m)
{
    uintptr_t lo, hi;
    os_tls_program(load_rlx(&m->thread_pointer), &lo, &hi);
    track_locals(lo, hi, m->errno_p);
}

COLD void track_switch(struct g *from, struct g *to)
{
    if (track_is(TRACK_FINALS))
        track_release(&track_on); /* pairs with final.c */
    track_leave(load_rlx(&from->status) == G_DEAD ? NULL : &from->fake_stack, to->stack.lo,
                to->stack.hi);
    if (track_fibers())
        track_fiber_switch(to->fiber);
    if (track_is(TRACK_RACES))
        track_thread_locals(self());
}

/* A goroutine that waits in place keeps its fiber in use on its thread: it says before what it has done, and
 * asks later what was done for it; who wakes it knows, for that, a little more than it should. */
COLD void g_track_pass(struct g *g, const void *at)
{
    if (load_rlx(&g->bound) == NULL) {
        track_acquire_as(g->fiber, at);
        track_release_as(g->fiber, at);
        return;
    }
    track_acquire(&g->param);
    track_release(at);
    track_release(&g->param);
}

/* Leaves the running goroutine for good: its thread goes on where it last left its own stack. */
void jump_to_g0(struct m *m)
{
    store_rlx(&m->curg, &m->g0);
    m->commit = NULL;
    store_rlx(&m->prev, NULL);
    track_leave(NULL, m->g0.stack.lo, m->g0.stack.hi);
    if (track_fibers())
        track_fiber_switch(m->g0.fiber);
    arch_jump(&m->g0.ctx);
}

/* The thread sleeps with its goroutine; false if the commit said not to. */
bool park_in_place(struct m *m, struct g *g, park_commit commit, void *arg)
{
    if (g->sigctx == NULL)
        (void)arch_save(&g->ctx); /* for tracebacks; this frame stays while the thread sleeps */
    if ((g->in_cgo || g->foreign) && g->sigctx == NULL)
        dump_cgo_waits(g);
    note_clear(&m->note);
    if (track_is(TRACK_FINALS))
        track_release(&track_on);
    track_release_only(&g->param); /* pairs with g_track_pass */
    if (commit != NULL && !commit(g, arg)) {
        tap_go_refused(g);
        store_rlx(&g->status, (uint32_t)G_RUNNING);
        tap_go_start(m, g);
        dump_cgo_goes_on(g);
        return false;
    }
    DCHECK(locks_held() == 0);
    struct p *p = m_p(m) != NULL ? p_release(m) : NULL;
    if (p != NULL)
        p_hand_off(p);
    lock(&sched.lock);
    sched.nasleep_bound++;
    store_rlx(&m->blocked, 1u);
    if (m->nextp == NULL)
        m_check_deadlock();
    unlock(&sched.lock);
    note_sleep(&m->note);
    if (load_rlx(&sched.exiting) != 0 && m->nextp == NULL)
        m_stop(m); /* does not return here */
    lock(&sched.lock);
    sched.nasleep_bound--;
    store_rlx(&m->blocked, 0u);
    p = m->nextp;
    m->nextp = NULL;
    unlock(&sched.lock);
    p_acquire(m, p);
    track_acquire(&g->param);
    store_rlx(&g->status, (uint32_t)G_RUNNING);
    tap_go_start(m, g);
    latency_is_over(g);
    dump_cgo_goes_on(g);
    return true;
}

PARKS void park(park_commit commit, void *arg, enum wait_reason why)
{
    struct m *m = self();
    struct g *g = m_curg(m);
    DCHECK(load_rlx(&m->locks) == 1);
    DCHECK(g != &m->g0);
    tap_go_block(m, g, why);
    store_rlx(&g->wait_reason, (uint32_t)why);
    store_rlx(&g->status, (uint32_t)G_WAITING);
    if (unlikely(load_rlx(&g->bound) != NULL)) {
        park_in_place(m, g, commit, arg);
        return;
    }
    m->commit = commit;
    m->commit_arg = arg;
    struct g *next = schedule_pick_fast(m, m_p(m));
    switch_to(m, g, likely(next != NULL) ? next : &m->g0);
    latency_is_over(g);
}

static bool commit_unlock(struct g *g, void *arg) NO_TSA
{
    (void)g;
    unlock((struct lock *)arg);
    return true;
}

PARKS void park_unlock(struct lock *l, enum wait_reason why)
{
    DCHECK(locks_held() == 1);
    park(commit_unlock, l, why);
}

static bool commit_nothing(struct g *g, void *arg)
{
    (void)g;
    (void)arg;
    return true;
}

PARKS void park_forever(enum wait_reason why)
{
    park(commit_nothing, NULL, why);
    throw("a goroutine that waits for ever was woken");
}

void ready(struct g *g)
{
    struct p *p = m_p(self());
    DCHECK(load_rlx(&g->status) == G_WAITING);
    make_ready(g, p);
    if (unlikely(p == NULL)) {
        global_put(g);
        wake_one();
        return;
    }
#ifdef GORT_HOSTILE
    global_put(g);
#else
    runq_put_next(p, g);
#endif
    wake_for(p);
}

void ready_tail(struct g *g)
{
    struct p *p = m_p(self());
    make_ready(g, p);
    if (p == NULL) {
        global_put(g);
        wake_one();
        return;
    }
    runq_put(p, g);
    wake_for(p);
}

bool commit_local(struct g *g, void *arg)
{
    (void)arg;
    make_runnable(g);
    runq_put(m_p(self()), g);
    return true;
}

bool commit_global(struct g *g, void *arg)
{
    (void)arg;
    struct m *m = self();
    const struct p *p = m_p(m);
    make_runnable(g);
    if (p == NULL)
        tap_syscall_lost_far(m, g);
    global_put(g);
    if (p == NULL || !runq_empty(p)) /* else we, or who gets P, will find it at once */
        wake_one();
    return true;
}

/* Lets the global queue, timers and a stopping world have their turn. */
static void yield_slow(struct m *m, struct g *g)
{
    tap_go_stop(m, g, STOP_GOSCHED);
    if (load_rlx(&g->bound) != NULL) {
        park_in_place(m, g, commit_global, NULL);
        return;
    }
    m->commit = commit_global;
    switch_to(m, g, &m->g0);
}

PARKS static inline void yield_now(struct m *m)
{
    struct g *g = m_curg(m);
    struct p *p = m_p(m);
    DCHECK(load_rlx(&m->locks) == 1);
    uint32_t tick = load_rlx(&p->schedtick) + 1;
    store_rlx(&p->schedtick, tick);
#ifdef GORT_HOSTILE
    yield_slow(m, g);
#else
    if (unlikely(tick % GLOBAL_EVERY_TICKS == 0 || load_rlx(&g->bound) != NULL ||
                 load_rlx(&sched.stopping) != 0)) {
        yield_slow(m, g);
        return;
    }
    struct g *next = schedule_pick_fast(m, p);
    if (next == NULL) {
        if (m->g0.param != NULL || load_rlx(&sched.runq_size) != 0 ||
            timers_next(&p->timers) != INT64_MAX)
            yield_slow(m, g);
        return;
    }
    tap_go_stop(m, g, STOP_GOSCHED);
    m->commit = commit_local;
    switch_to(m, g, next);
#endif
}

PARKS static NOINLINE void yield_measured(struct m *m)
{
    int64_t at = latency_step_back(m_p(m));
    yield_now(m);
    latency_stepped_forward(at);
}

PARKS void yield(void)
{
    struct m *m = self();
    if (unlikely(--m_p(m)->runnable.left == 0))
        yield_measured(m);
    else
        yield_now(m);
}

PARKS void ready_and_yield(struct g *to)
{
    struct m *m = self();
    struct g *g = m_curg(m);
    DCHECK(load_rlx(&m->locks) == 1);
    make_ready(to, m_p(m));
    if (unlikely(load_rlx(&g->bound) != NULL || load_rlx(&to->bound) != NULL ||
                 load_rlx(&sched.stopping) != 0)) {
        runq_put_next(m_p(m), to);
        yield_slow(m, g);
        return;
    }
    tap_go_stop(m, g, STOP_GOSCHED);
    m->commit = commit_local;
    switch_to(m, g, to);
}

void gort_gosched(void)
{
    m_enter();
    yield();
    m_leave(self());
}
