/* schedule.c: what runs next.
 *
 * Owns    the loop on each thread's own stack, and the order in which it looks for work:
 *           the world is stopping; due timers; the global queue, once in GLOBAL_EVERY_TICKS;
 *           this P's queue; the global queue; the netpoller; other Ps; then P is given up, everything
 *           is looked at once more, and one thread sleeps in the netpoller, the others on their notes.
 * Locks   sched.lock for the global queue and the idle lists.
 * Order   see wake.c for why no wake-up is lost when P is given up.
 */
#include "sched/sched_int.h"

#include "base/fmt.h"
#include "base/rand.h"
#include "poll/poll.h"

enum { POLL_BATCH = 128, STEAL_ROUNDS = 4 };

/* The next goroutine without leaving the running stack; NULL when the scheduler itself should look
 * around. Called inside, on a goroutine's stack. */
struct g *schedule_pick_fast(struct m *m, struct p *p)
{
#ifdef GORT_HOSTILE
    (void)m;
    (void)p;
    return NULL;
#else
    if (unlikely(p == NULL || load_rlx(&sched.stopping) != 0))
        return NULL;
    uint32_t tick = load_rlx(&p->schedtick) + 1;
    if (unlikely(tick % GLOBAL_EVERY_TICKS == 0 && load_rlx(&sched.runq_size) != 0))
        return NULL;
    if (unlikely(tick % TIMER_EVERY_TICKS == 0 && timers_next(&p->timers) != INT64_MAX &&
                 timers_next(&p->timers) <= os_nanotime()))
        return NULL;
    struct g *g = runq_get_next(p);
    if (g == NULL) {
        g = runq_get(p);
        store_rlx(&p->schedtick, tick);
        if (g == NULL)
            return NULL;
    } /* else it inherits the time slice: a pair that hands one P back and forth shares it */
    if (unlikely(load_rlx(&g->bound) != NULL)) {
        m->g0.param = g; /* find_next hands it over */
        return NULL;
    }
    return g;
#endif
}

/* Makes those that the netpoller found runnable, and wakes at most one thread for all of them. */
static void inject(void **waiters, int n)
{
    struct p *p = m_p(self());
    for (int i = 0; i < n; i++) {
        struct g *g = waiters[i];
        make_ready(g, p);
        if (p != NULL)
            runq_put(p, g);
        else
            global_put(g);
    }
    if (n > 0 && p != NULL)
        wake_for(p);
    else if (n > 0)
        wake_one();
}

/* Polls descriptors without waiting; true if somebody became runnable. */
bool schedule_poll(void)
{
    void *waiters[POLL_BATCH];
    int n = poll_wait(0, waiters, POLL_BATCH);
    int64_t last = load_seq(&sched.last_poll);
    if (last != 0) /* else a thread has gone to sleep there meanwhile: leave its mark */
        cas_seq(&sched.last_poll, last, os_nanotime());
    inject(waiters, n);
    return n > 0;
}

static bool timers_due(const struct p *p, int64_t *now)
{
    int64_t next = timers_next(&p->timers);
    if (next == INT64_MAX)
        return false;
    if (*now == 0)
        *now = os_nanotime();
    return next <= *now;
}

static struct g *global_get(struct p *p, uint32_t max)
{
    if (load_rlx(&sched.runq_size) == 0)
        return NULL;
    lock(&sched.lock);
    struct g *g = global_get_locked(p, max);
    unlock(&sched.lock);
    return g;
}

static struct g *local_get(struct p *p)
{
    struct g *g = runq_get_next(p);
    return g != NULL ? g : runq_get(p);
}

/* One walk over all Ps in random order; the last round also takes what is warm elsewhere. */
static struct g *steal_round(struct p *p, bool last, int64_t *now)
{
    uint32_t n = load_rlx(&sched.nps);
    uint32_t at = rand_below(&p->rand, n);
    for (uint32_t i = 0; i < n; i++, at = at + 1 == n ? 0 : at + 1) {
        struct p *from = p_at(at);
        if (from == p)
            continue;
        struct g *g = runq_steal(p, from, last);
        if (g != NULL)
            return g;
        if (last && timers_due(from, now)) {
            timers_run(&from->timers, *now);
            if ((g = local_get(p)) != NULL)
                return g;
        }
    }
    return NULL;
}

static struct g *steal(struct m *m, struct p *p)
{
    int64_t now = 0;
    if (load_rlx(&m->spinning) == 0) {
        uint32_t busy = load_rlx(&sched.nps) - load_rlx(&sched.nidle_ps);
        if (2 * load_rlx(&sched.nspinning) >= busy)
            return NULL;
        store_rlx(&m->spinning, 1u);
        add_seq(&sched.nspinning, 1u);
    }
    for (int round = 0; round < STEAL_ROUNDS; round++) {
        struct g *g = steal_round(p, round == STEAL_ROUNDS - 1, &now);
        if (g != NULL)
            return g;
        if (load_rlx(&sched.stopping) != 0)
            return NULL;
        if (stack_warm_up())
            round = -1; /* somebody makes goroutines faster than pages can be had: look again */
        else
            cpu_relax(20);
    }
    return NULL;
}

static int64_t next_timer(void)
{
    int64_t next = INT64_MAX;
    uint32_t n = load_rlx(&sched.nps);
    for (uint32_t i = 0; i < n; i++) {
        int64_t t = timers_next(&p_at(i)->timers);
        if (t < next)
            next = t;
    }
    return next;
}

/* Gets an idle P back; false if there is none. */
static bool p_again(struct m *m)
{
    lock(&sched.lock);
    struct p *p = load_rlx(&sched.stopping) == 0 ? p_idle_get() : NULL;
    unlock(&sched.lock);
    if (p == NULL)
        return false;
    p_acquire(m, p);
    return true;
}

/* Gives P up unless there is work after all. */
static struct g *give_up(struct m *m, struct p *p)
{
    lock(&sched.lock);
    if (load_rlx(&sched.stopping) != 0) {
        unlock(&sched.lock);
        return NULL; /* find_next goes on to stop */
    }
    struct g *g = global_get_locked(p, 0);
    if (g != NULL) {
        unlock(&sched.lock);
        return g;
    }
    p_release(m);
    p_idle_put(p);
    unlock(&sched.lock);
    return NULL;
}

static void start_polling(void)
{
    int r = poll_init();
    if (r == 0)
        return;
    print("runtime: epollcreate failed with %d\n", (int64_t)-r);
    throw("runtime: netpollinit failed");
}

/* Without a P: sleeps in the netpoller until a descriptor or a timer; false if another does. */
static bool poll_blocking(struct m *m)
{
    int64_t until = next_timer();
    if (until == INT64_MAX && !(poll_started() && poll_waiters() > 0))
        return false;
    if (!poll_started())
        start_polling();
    if (swap_seq(&sched.last_poll, 0) == 0) { /* another thread is there: wake it for our timer */
        if (until != INT64_MAX && until < load_rlx(&sched.poll_until))
            poll_break();
        return false;
    }
    /* A timer or waiter that came before the swap is seen now; one that comes later sees last_poll
     * == 0, and poll_until still INT64_MAX or what we store, and breaks the poll. */
    until = next_timer();
    store_seq(&sched.poll_until, until);
    int64_t ns = -1;
    if (until != INT64_MAX) {
        ns = until - os_nanotime();
        if (ns < 0)
            ns = 0;
    }
    if (work_anywhere())
        ns = 0;
    void *waiters[POLL_BATCH];
    int n = 0;
    if (ns != 0 && m->poll_paid) { /* whoever fills our descriptors may want this CPU: let it */
        os_thread_yield();
        n = poll_wait(0, waiters, POLL_BATCH);
    }
    if (n == 0)
        n = poll_wait(ns, waiters, POLL_BATCH);
    m->poll_paid = n > 0;
    store_seq(&sched.poll_until, INT64_MAX);
    store_seq(&sched.last_poll, os_nanotime());
    bool again = p_again(m);
    inject(waiters, n); /* without a P: into the global queue */
    return again || (n > 0 && p_again(m));
}

/* Hands a P to the thread that alone can run `g`. */
static void hand_to_bound(struct m *m, struct g *g)
{
    struct m *to = load_rlx(&g->bound);
    if (load_rlx(&m->spinning) != 0)
        spinning_end(m, true);
    struct p *p = p_release(m);
    lock(&sched.lock);
    DCHECK(to->nextp == NULL);
    store_rlx(&p->status, (uint32_t)P_RUNNING);
    to->nextp = p;
    unlock(&sched.lock);
    note_wake(&to->note);
}

/* The next goroutine; waits. NULL only on the main thread when the program ends. */
static struct g *find_next(struct m *m)
{
    for (;;) {
        struct p *p = m_p(m);
        struct g *g = m->g0.param;
        int64_t now = 0;
        if (load_rlx(&sched.exiting) != 0) {
            if (m->is_main)
                return NULL;
            m_sleep_for_ever();
        }
        if (p == NULL) {
            m_stop(m);
            continue;
        }
        if (load_rlx(&sched.stopping) != 0) {
            if (g != NULL &&
                load_rlx(&g->bound) != m) { /* else it is goroutine 1, which begins here */
                m->g0.param = NULL;
                global_put(g);
            }
            if (load_rlx(&m->spinning) != 0)
                spinning_end(m, false);
            world_reached(m);
            continue;
        }
        if (g != NULL) {
            m->g0.param = NULL;
            return g;
        }
        if (timers_due(p, &now))
            timers_run(&p->timers, now);
        if (load_rlx(&p->schedtick) % GLOBAL_EVERY_TICKS == 0 && (g = global_get(p, 1)) != NULL)
            return g;
        if ((g = local_get(p)) != NULL)
            return g;
        if ((g = global_get(p, 0)) != NULL)
            return g;
        if (poll_started() && poll_waiters() > 0 && load_rlx(&sched.last_poll) != 0 &&
            schedule_poll() && (g = local_get(p)) != NULL)
            return g;
        if ((g = steal(m, p)) != NULL)
            return g;
        if ((g = give_up(m, p)) != NULL)
            return g;
        if (m_p(m) != NULL)
            continue; /* the world is stopping */
        if (load_rlx(&m->spinning) != 0)
            spinning_end(m, false);
        if (work_anywhere() && p_again(m)) { /* wake.c, invariant 2; also for who did not spin: the
                                                spinners may have made work and seen no idle P */
            store_rlx(&m->spinning, 1u);
            add_seq(&sched.nspinning, 1u);
            continue;
        }
        if (poll_blocking(m))
            continue;
        m_stop(m);
    }
}

void schedule_loop(struct m *m)
{
    for (;;) {
        if (m->lock_count == UINT32_MAX)
            m_exit(m);
        struct g *g = find_next(m);
        if (g == NULL)
            return;
        if (load_rlx(&m->spinning) != 0)
            spinning_end(m, true);
        struct p *p = m_p(m);
        store_rlx(&p->schedtick, load_rlx(&p->schedtick) + 1); /* a new slice, on whatever thread */
        struct m *bound = load_rlx(&g->bound);
        if (bound != NULL && bound != m) {
            hand_to_bound(m, g);
            continue;
        }
        and_seq(&m->attention, ~(uint32_t)ATT_YIELD); /* a new slice */
        switch_to(m, &m->g0, g);
        DCHECK(self() == m);
    }
}

/* A new earliest deadline: whoever sleeps longer has to look again. */
static void timer_announce(int64_t when_ns)
{
    if (load_seq(&sched.last_poll) == 0 && when_ns < load_seq(&sched.poll_until))
        poll_break();
}

void sched_timer_start(struct timer *t)
{
    int64_t when_ns = t->when_ns; /* once started, it may fire and be gone */
    if (timer_start(&m_p(self())->timers, t))
        timer_announce(when_ns);
}

bool sched_timer_reset(struct timer *t, int64_t when_ns, int64_t period_ns)
{
    bool was_pending;
    if (timer_reset(&m_p(self())->timers, t, when_ns, period_ns, &was_pending))
        timer_announce(when_ns);
    return was_pending;
}
