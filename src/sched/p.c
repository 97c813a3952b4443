/* p.c: the right to run goroutines: held, given away, taken.
 *
 * Owns    struct p, the list of idle Ps, GOMAXPROCS.
 * Holds   1. p->status is P_IDLE exactly while p is in sched.idle_ps.
 *         2. p->m == m and m->p == p while m holds p, except that a revoked m still points at p until
 *            it looks at its ATT_REVOKED.
 * Locks   sched.lock for idle lists and for taking a P away; its holder alone gives it away.
 * Order   p_revoke and m_enter are the two sides of sched.h's drawing: attention, barrier, locks
 *         against locks, (barrier), attention.
 */
#include "sched/sched_int.h"

#include "mem/mem.h"
#include "mem/up.h"

#include <gort/go.h>

#include <string.h>

void p_idle_put(struct p *p)
{
    store_rlx(&p->status, (uint32_t)P_IDLE);
    store_rlx(&p->m, NULL);
    p->idle_next = sched.idle_ps;
    sched.idle_ps = p;
    add_seq(&sched.nidle_ps, 1u);
}

struct p *p_idle_get(void)
{
    struct p *p = sched.idle_ps;
    if (p == NULL)
        return NULL;
    sched.idle_ps = p->idle_next;
    p->idle_next = NULL;
    sub_seq(&sched.nidle_ps, 1u);
    store_rlx(&p->status, (uint32_t)P_RUNNING);
    if (load_rlx(&sched.monitor_asleep) != 0)
        sysmon_wake();
    return p;
}

void p_acquire(struct m *m, struct p *p)
{
    CHECK(p != NULL);
    DCHECK(load_rlx(&m->p) == NULL);
    store_rlx(&p->status, (uint32_t)P_RUNNING);
    store_rlx(&p->m, m);
    store_rlx(&m->p, p);
    tap_proc_start(m, p);
}

struct p *p_release(struct m *m)
{
    struct p *p = m_p(m);
    DCHECK(p != NULL && load_rlx(&p->m) == m);
    tap_proc_stop(m, p);
    store_rlx(&m->p, NULL);
    store_rlx(&p->m, NULL);
    return p;
}

bool p_revoke(struct p *p)
{
    struct m *m = load_acq(&p->m);
    if (m == NULL || load_rlx(&p->status) != P_RUNNING || load_rlx(&m->locks) != 0)
        return false;
    or_seq(&m->attention, (uint32_t)ATT_REVOKING);
    if (!sched.barrier_by_cas)
        os_membarrier();
    if (load_seq(&m->locks) != 0 || load_rlx(&m->p) != p || load_rlx(&p->m) != m ||
        (load_rlx(&m->attention) & ATT_REVOKED) != 0) {
        and_seq(&m->attention, ~(uint32_t)ATT_REVOKING);
        return false;
    }
    tap_proc_steal(p, m);
    store_rlx(&p->m, NULL);
    store_rlx(&p->syscalltick, load_rlx(&p->syscalltick) + 1);
    or_seq(&m->attention, (uint32_t)ATT_REVOKED);
    and_seq(&m->attention, ~(uint32_t)ATT_REVOKING);
    return true;
}

void p_hand_off(struct p *p)
{
    bool work = !runq_empty(p) || load_rlx(&sched.runq_size) != 0;
    if (work && load_rlx(&sched.stopping) == 0) {
        m_start(p, false);
        return;
    }
    lock(&sched.lock);
    if (load_rlx(&sched.stopping) != 0) {
        store_rlx(&p->status, (uint32_t)P_STOPPED);
        if (--sched.stop_wait == 0)
            note_wake(&sched.stop_note);
        unlock(&sched.lock);
        return;
    }
    bool last =
        load_rlx(&sched.nidle_ps) + 1 == load_rlx(&sched.nps) && load_rlx(&sched.last_poll) != 0;
    p_idle_put(p);
    unlock(&sched.lock);
    if (last || load_rlx(&sched.runq_size) != 0 || !runq_empty(p))
        wake_one(); /* somebody must look after timers and descriptors */
}

static struct p *p_new(uint32_t id)
{
    struct p *p = persist_alloc(sizeof *p, 64);
    memset(p, 0, sizeof *p);
    p->id = id;
    p->rand = 0x9E3779B97F4A7C15ULL * (id + 1) ^ (uint64_t)os_nanotime();
    if (p->rand == 0)
        p->rand = 1;
    p->runnable.left = p->blocked.left = 1;
    timers_init(&p->timers);
    p->cache = mem_cache_new();
    store_rlx(&p->status, (uint32_t)P_STOPPED);
    return p;
}

/* The table for n Ps, keeping those that exist. Tables are small and never freed: g_each's and the
 * thieves' readers may still look at the old one. */
static void grow_table(uint32_t n)
{
    static uint32_t made;
    if (n > made) {
        struct p **t = persist_alloc(n * sizeof *t, 64);
        for (uint32_t i = 0; i < made; i++)
            t[i] = p_at(i);
        for (uint32_t i = made; i < n; i++)
            t[i] = p_new(i);
        made = n;
        store_rel(&sched.ps, t);       /* pairs with p_at */
        store_rel(&sched.nps_made, n); /* pairs with g_count_exact */
    }
}

/* Gives away what a P that is no longer used holds; the world is stopped. */
static void p_empty(struct p *p, struct p *to)
{
    struct g *g;
    while ((g = runq_get(p)) != NULL)
        global_put(g);
    if ((g = runq_get_next(p)) != NULL)
        global_put(g);
    g_flush_free(p);
    timers_move(&to->timers, &p->timers);
    store_rlx(&p->status, (uint32_t)P_DEAD);
}

/* ---- what all Ps together could have done */
static int64_t procs_ns, procs_since_ns; /* stw; until then */

static void procs_count(int64_t now_ns)
{
    procs_ns = sched_procs_ns(now_ns);
    procs_since_ns = now_ns;
}

int64_t sched_procs_ns(int64_t now_ns)
{
    return procs_ns + (now_ns - procs_since_ns) * load_rlx(&sched.nps);
}

void sched_init(int nprocs)
{
    grow_table((uint32_t)nprocs);
    procs_since_ns = os_nanotime();
    lock(&sched.lock);
    store_rlx(&sched.nps, (uint32_t)nprocs);
    for (uint32_t i = (uint32_t)nprocs; i-- > 0;)
        p_idle_put(p_at(i));
    unlock(&sched.lock);
}

void sched_each_p(void (*fn)(struct p *p, void *arg), void *arg)
{
    uint32_t n = load_acq(&sched.nps_made); /* pairs with grow_table */
    for (uint32_t i = 0; i < n; i++)
        fn(p_at(i), arg);
}

uint32_t sched_nprocs(void)
{
    return load_rlx(&sched.nps);
}

int gort_gomaxprocs(int n)
{
    struct m *m = m_enter();
    uint32_t old = load_rlx(&sched.nps);
    if (n < 1 || (uint32_t)n == old) {
        m_leave(m);
        return (int)old;
    }
    world_stop_for(WAIT_STOPPING, STW_GOMAXPROCS);
    m = self();
    old = load_rlx(&sched.nps); /* somebody else may have been first */
    grow_table((uint32_t)n);
    struct p *mine = m_p(m);
    if (mine->id >= (uint32_t)n) { /* ours goes away: continue on the first */
        p_release(m);
        p_acquire(m, p_at(0));
    }
    procs_count(os_nanotime());
    store_rlx(&sched.nps, (uint32_t)n);
    for (uint32_t i = (uint32_t)n; i < old; i++)
        p_empty(p_at(i), m_p(m));
    for (uint32_t i = old; i < (uint32_t)n; i++)
        store_rlx(&p_at(i)->status, (uint32_t)P_STOPPED);
    tap_procs_changed((uint32_t)n);
    world_start();
    m_leave(self());
    return (int)old;
}

int sched_p_id(void)
{
    struct p *p = m_p(self());
    return p != NULL ? (int)p->id : -1;
}
