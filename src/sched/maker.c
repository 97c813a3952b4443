/* maker.c: threads made while goroutines are stopped.
 *
 * Owns    the runtime's threads that are no Ms, and the one of them that makes others once the first
 *         goroutine may be stopped by a signal. A
 *         stopped goroutine may hold a lock of libc that pthread_create needs: whoever makes a thread
 *         then may have to wait until that goroutine runs again, so it must be nobody that others
 *         wait for: neither the monitor nor a thread with a P.
 * Holds   1. The maker exists before the first SIGURG is sent (maker_start), when nobody is stopped.
 *         2. An M it makes is promised no P; it takes an idle one itself.
 *         3. While a thread is wanted and an idle P has work, the monitor hands that P to a goroutine
 *            that is stopped in a handler, if there is one: it has a thread, and it may be the one
 *            that holds the lock.
 */
#include "sched/sched_int.h"

#include "base/fmt.h"
#include "mem/mem.h"

#include <errno.h>

static struct note asked;
static au32 started;
static struct helper *wanted; /* lock (sched) */

/* One more thread if none is idle while a P is. */
static void make_one(void)
{
    struct m *m = NULL;
    lock(&sched.lock);
    if (sched.idle_ms == NULL && load_rlx(&sched.nidle_ps) > 0 && load_rlx(&sched.exiting) == 0)
        m = m_new_locked(M_WANTED_BY_ASKER);
    unlock(&sched.lock);
    if (m != NULL)
        m_start_thread(m);
}

static void *helper_main(void *arg)
{
    struct helper *h = arg;
    m_init_helper(&h->m);
    lock(&sched.lock);
    sched.nhelpers++;
    unlock(&sched.lock);
    h->fn(h->arg);
    throw("a helper's function returned");
}

static void make_helpers(void)
{
    for (;;) {
        lock(&sched.lock);
        struct helper *h = wanted;
        if (h != NULL)
            wanted = h->next;
        unlock(&sched.lock);
        if (h == NULL)
            return;
        int r = os_thread_start(helper_main, h);
        if (r != 0)
            m_refused(sched.nms, r);
    }
}

static void *maker_main(void *arg)
{
    m_init_helper(arg);
    for (;;) {
        note_sleep(&asked);
        note_clear(&asked);
        make_helpers();
        make_one();
    }
    return NULL;
}

int sched_helper_start(void (*fn)(void *arg), void *arg)
{
    struct helper *h = persist_alloc(sizeof *h, 64);
    h->fn = fn;
    h->arg = arg;
    store_rlx(&h->m.locks, 1u);
    lock(&sched.lock);
    bool by_maker = sched.has_maker;
    if (by_maker) {
        h->next = wanted;
        wanted = h;
    }
    unlock(&sched.lock);
    if (!by_maker)
        return os_thread_start(helper_main, h);
    note_wake(&asked);
    return 0;
}

/* Called while nobody is stopped, without sched.lock. */
void maker_start(void)
{
    if (!cas_acq(&started, 0u, 1u))
        return;
    int r = os_thread_start(maker_main, m_new_helper());
    if (r != 0) {
        print("runtime: failed to create new OS thread (have %u already; errno=%d)\n",
              (uint64_t)sched.nms, (int64_t)-r);
        throw("newosproc");
    }
    lock(&sched.lock);
    sched.has_maker = true;
    unlock(&sched.lock);
}

/* There is work, an idle P and no idle thread. SIGSAFE. */
void maker_ask(void)
{
    store_seq(&sched.want_thread, 1u);
    note_wake(&asked);
    sysmon_wake();
}

/* The monitor's part: invariant 3. */
void maker_bridge(void)
{
    struct m *to = NULL;
    if (swap_seq(&sched.want_thread, 0u) == 0)
        return;
    lock(&sched.lock);
    if (sched.idle_ms == NULL && load_rlx(&sched.nidle_ps) > 0 && load_rlx(&sched.stopping) == 0) {
        struct g *g = global_take_bound_locked();
        if (g != NULL) {
            to = load_rlx(&g->bound);
            struct p *p = p_idle_get();
            store_rlx(&p->schedtick, load_rlx(&p->schedtick) + 1);
            to->nextp = p;
        }
    }
    unlock(&sched.lock);
    if (to != NULL)
        note_wake(&to->note);
    else
        wake_one();
}
