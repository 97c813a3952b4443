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

#include "base/rand.h"
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

void refused_to_wait(struct g *prev)
{
    struct p *p = m_p(self());
    make_runnable(prev);
    if (p != NULL)
        runq_put(p, prev);
    else
        global_put(prev);
}

/* Leaves the running goroutine for good: its thread goes on where it last left its own stack. */
void jump_to_g0(struct m *m)
{
    store_rlx(&m->curg, &m->g0);
    m->commit = NULL;
    store_rlx(&m->prev, NULL);
    track_leave(NULL, m->g0.stack.lo, m->g0.stack.hi);
    track_fiber_switch(m->g0.fiber);
    arch_jump(&m->g0.ctx);
}

/* The thread sleeps with its goroutine; false if the commit said not to. */
bool park_in_place(struct m *m, struct g *g, park_commit commit, void *arg)
{
    if (g->sigctx == NULL)
        (void)arch_save(&g->ctx); /* for tracebacks; this frame stays while the thread sleeps */
    note_clear(&m->note);
    if (commit != NULL && !commit(g, arg)) {
        store_rlx(&g->status, (uint32_t)G_RUNNING);
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
    store_rlx(&g->status, (uint32_t)G_RUNNING);
    return true;
}

PARKS void park(park_commit commit, void *arg, enum wait_reason why)
{
    struct m *m = self();
    struct g *g = m_curg(m);
    DCHECK(load_rlx(&m->locks) == 1);
    DCHECK(g != &m->g0);
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
    make_runnable(g);
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
    make_runnable(g);
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
    make_runnable(g);
    global_put(g);
    const struct p *p = m_p(self());
    if (p == NULL || !runq_empty(p)) /* else we, or who gets P, will find it at once */
        wake_one();
    return true;
}

/* Lets the global queue, timers and a stopping world have their turn. */
static void yield_slow(struct m *m, struct g *g)
{
    if (load_rlx(&g->bound) != NULL) {
        park_in_place(m, g, commit_global, NULL);
        return;
    }
    m->commit = commit_global;
    switch_to(m, g, &m->g0);
}

PARKS void yield(void)
{
    struct m *m = self();
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
    m->commit = commit_local;
    switch_to(m, g, next);
#endif
}

PARKS void ready_and_yield(struct g *to)
{
    struct m *m = self();
    struct g *g = m_curg(m);
    DCHECK(load_rlx(&m->locks) == 1);
    make_runnable(to);
    if (unlikely(load_rlx(&g->bound) != NULL || load_rlx(&to->bound) != NULL ||
                 load_rlx(&sched.stopping) != 0)) {
        runq_put_next(m_p(m), to);
        yield_slow(m, g);
        return;
    }
    m->commit = commit_local;
    switch_to(m, g, to);
}

void gort_gosched(void)
{
    m_enter();
    yield();
    m_leave(self());
}
