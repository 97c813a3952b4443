/* m.c: threads: made, put to sleep, woken, ended.
 *
 * Owns    struct m, the lists of Ms, the limit on threads, the search for deadlock.
 * Holds   1. Every M is running, asleep in m_stop (in sched.idle_ms), or asleep in place with its
 *            bound goroutine (park_in_place).
 *         2. Who hands a P to a sleeping M sets nextp under sched.lock, then wakes its note.
 * Locks   sched.lock.
 */
#include "sched/sched_int.h"
#include "sched/up.h"

#include "base/fmt.h"
#include "base/track.h"
#include "mem/mem.h"
#include "poll/poll.h"
#include "symb/symb.h"

#include <gort/go.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct sched sched = {
    .lock = LOCK_INIT(sched),
    .max_ms = MAX_THREADS_DEFAULT,
    .last_poll = {1},
    .poll_until = {INT64_MAX},
};

/* A thread that is not the runtime's: its first m_enter takes the slow road and reports. */
static struct m m_nobody = {.attention = {ATT_NOBODY}};
__thread struct m *self_m __attribute__((tls_model("initial-exec"))) = &m_nobody;

struct m *m_nobody_ptr(void)
{
    return &m_nobody;
}

static void thread_exhaustion(void)
{
    print("runtime: program exceeds %u-thread limit\n", (uint64_t)sched.max_ms);
    throw("thread exhaustion");
}

void m_list(struct m *m)
{
    store_rlx(&m->all_next, m_first());
    store_rel(&sched.all_ms, m); /* pairs with m_first */
    sched.nms++;
}

/* For the profile of thread creation: the goroutine that wants another thread, or nothing. */
static void creator(uintptr_t *pcs)
{
    struct m *m = self();
    const struct g *g = m_curg(m);
    size_t n = 0;
    if (g != NULL && g != &m->g0)
        n = symb_backtrace_here(&g->stack, &m->g0.stack, true, pcs, M_CREATED_FRAMES);
    memset(pcs + n, 0, (M_CREATED_FRAMES - n) * sizeof *pcs);
}

/* The one that the maker is to make next (maker.c). */
static uintptr_t asker[M_CREATED_FRAMES]; /* lock (sched) */

static void note_asker(void) REQUIRES(sched.lock)
{
    if (asker[0] == 0)
        creator(asker);
}

static void take_asker(uintptr_t *pcs)
{
    memcpy(pcs, asker, sizeof asker);
    asker[0] = 0;
}

struct m *m_new_locked(enum m_wanted by) NO_TSA
{
    if (sched.nms + 1 > sched.max_ms) {
        unlock(&sched.lock);
        thread_exhaustion();
    }
    struct m *m = persist_alloc(sizeof *m, 64);
    memset(m, 0, sizeof *m);
    m->id = sched.next_m_id++;
    m->rand = 0x9E3779B97F4A7C15ULL * (m->id + 7) | 1;
    store_rlx(&m->locks, 1u);
    if (sched.barrier_by_cas)
        store_rlx(&m->attention, (uint32_t)ATT_BARRIER);
    if (by == M_WANTED_HERE)
        creator(m->created_by);
    else if (by == M_WANTED_BY_ASKER)
        take_asker(m->created_by);
    m_list(m);
    return m;
}

int sched_set_max_threads(int n)
{
    lock(&sched.lock);
    int old = (int)sched.max_ms;
    sched.max_ms = (uint32_t)n;
    bool over = sched.nms > sched.max_ms;
    unlock(&sched.lock);
    if (over)
        thread_exhaustion();
    return old;
}

/* What each thread does first, on itself. */
void m_init_self(struct m *m, bool own_signal_stack)
{
    g_init_thread(&m->g0);
    store_rlx(&m->curg, &m->g0);
    m->errno_p = __errno_location();
    m->tid = os_thread_id();
    m->cpu_clock = os_thread_cpu_clock();
    store_rlx(&m->thread_pointer, (uint64_t)os_thread_pointer());
    if (own_signal_stack)
        os_signal_stack(SIGNAL_STACK_BYTES);
    os_signal_stack_bounds(&m->signal_lo, &m->signal_hi);
    self_m = m;
    prof_thread_begins(m);
}

/* Not in our own data, all of which the collector looks at: the end of a thread's stack may be the address
 * of the first object of an arena. */
struct m *m_new_helper(void)
{
    struct m *m = persist_alloc(sizeof *m, 64);
    store_rlx(&m->locks, 1u);
    return m;
}

void m_init_helper(struct m *m)
{
    m->kind = M_HELPER;
    lock(&sched.lock);
    store_rlx(&m->all_next, load_rlx(&sched.helpers));
    store_rel(&sched.helpers, m); /* pairs with sched_each_thread */
    unlock(&sched.lock);
    m_init_self(m, false);
    if (!track_no_signals())
        os_signal_unblock(SIGPROF); /* else others are sampled in its place */
}

static void *thread_main(void *arg)
{
    struct m *m = arg;
    sigset_t none;
    m_init_self(m, true);
    sigemptyset(&none);
    os_signal_set_mask(&none);
    lock(&sched.lock);
    struct p *p = m->nextp;
    m->nextp = NULL;
    if (p == NULL && load_rlx(&sched.stopping) == 0)
        p = p_idle_get(); /* made by the maker */
    unlock(&sched.lock);
    if (p != NULL)
        p_acquire(m, p);
    schedule_loop(m);
    return NULL;
}

void m_refused(uint32_t have, int err)
{
    print("runtime: failed to create new OS thread (have %u already; errno=%d)\n", (uint64_t)have,
          (int64_t)-err);
    if (err == -EAGAIN)
        print("runtime: may need to increase max user processes (ulimit -u)\n");
    throw("newosproc");
}

void m_start_thread(struct m *m)
{
    int r = os_thread_start(thread_main, m);
    if (r != 0)
        m_refused(sched.nms, r); /* the new one counts as there, the monitor does not: even */
}

/* The thread sleeps until somebody hands it a P. */
void m_stop(struct m *m)
{
    DCHECK(m_p(m) == NULL);
    if (m->woken_ns != 0)
        wake_was_worth(os_nanotime() - m->woken_ns);
    note_clear(&m->note);
    lock(&sched.lock);
    if (load_rlx(&sched.exiting) == 0) {
        m->idle_next = sched.idle_ms;
        sched.idle_ms = m;
        sched.nidle_ms++;
        store_rlx(&m->blocked, 1u);
        m_check_deadlock();
    }
    unlock(&sched.lock);
    if (load_rlx(&sched.exiting) == 0)
        note_sleep(&m->note);
    if (load_rlx(&sched.exiting) != 0) {
        if (!m->is_main)
            m_sleep_for_ever();
        if (load_rlx(&m->curg) == &m->g0)
            return;
        jump_to_g0(m); /* leaves a goroutine that waits in place: the program ends */
    }
    lock(&sched.lock);
    struct p *p = m->nextp;
    m->nextp = NULL;
    store_rlx(&m->blocked, 0u);
    unlock(&sched.lock);
    m->woken_ns = load_rlx(&m->spinning) != 0 ? os_nanotime() : 0;
    p_acquire(m, p);
}

static struct m *idle_m_get(void) REQUIRES(sched.lock)
{
    struct m *m = sched.idle_ms;
    if (m == NULL)
        return NULL;
    sched.idle_ms = m->idle_next;
    m->idle_next = NULL;
    sched.nidle_ms--;
    return m;
}

void m_start(struct p *p, bool spinning)
{
    bool made = false;
    lock(&sched.lock);
    if (p == NULL) {
        p = load_rlx(&sched.stopping) == 0 ? p_idle_get() : NULL;
        if (p == NULL) {
            unlock(&sched.lock);
            if (spinning)
                sub_seq(&sched.nspinning, 1u);
            return;
        }
    }
    struct m *m = idle_m_get();
    if (m == NULL) {
        if (sched.has_maker) { /* not here: maker.c */
            bool stopping = load_rlx(&sched.stopping) != 0;
            if (!stopping)
                p_idle_put(p);
            note_asker();
            unlock(&sched.lock);
            if (spinning)
                sub_seq(&sched.nspinning, 1u);
            if (stopping) /* since our caller looked: the world waits for this P */
                p_hand_off(p);
            else
                maker_ask();
            return;
        }
        m = m_new_locked(M_WANTED_HERE);
        made = true;
    }
    store_rlx(&m->spinning, (uint32_t)spinning);
    m->nextp = p;
    store_rlx(&p->status, (uint32_t)P_RUNNING);
    unlock(&sched.lock);
    if (made)
        m_start_thread(m);
    else
        note_wake(&m->note);
}

void m_forget(struct m *m)
{
    prof_thread_ends(m);
    lock(&sched.lock);
    aptr *at = &sched.all_ms;
    while (load_rlx(at) != m)
        at = &((struct m *)load_rlx(at))->all_next;
    store_rel(at, m_next(m)); /* pairs with m_next; m itself still leads on to the rest */
    sched.nms--;
    sched.nexited_cgocalls += (int64_t)load_rlx(&m->ncgocall);
    m_check_deadlock();
    unlock(&sched.lock);
}

/* The process's main thread cannot end: it sleeps until the program does. */
static void park_main_thread(struct m *m)
{
    note_clear(&m->note);
    lock(&sched.lock);
    sched.nidle_ms++;
    store_rlx(&m->blocked, 1u);
    m_check_deadlock();
    unlock(&sched.lock);
    while (load_rlx(&sched.exiting) == 0)
        note_sleep(&m->note);
}

/* A locked goroutine ended: so does its thread. Returns on the main thread only, when the program
 * ends. */
void m_exit(struct m *m)
{
    struct p *p = m_p(m) != NULL ? p_release(m) : NULL;
    m->lock_count = 0;
    if (p != NULL)
        p_hand_off(p);
    if (m->is_main) {
        park_main_thread(m);
        return;
    }
    tap_thread_end(m);
    m_forget(m);
    self_m = &m_nobody;
    os_signal_stack_drop();
    os_thread_exit();
}

void m_sleep_for_ever(void)
{
    for (;;)
        os_sleep_ns(INT64_C(3600000000000));
}

/* Nobody runs, nothing is due, nobody can be woken: the program will never do anything again. A
 * thread in a call, or in the kernel's poller, counts as running; and while the program has threads of
 * its own, attached or not, one of them may yet do something. */
void m_check_deadlock(void) NO_TSA /* its callers never see it return unlocked */
{
    uint32_t running = sched.nms - sched.nidle_ms - sched.nasleep_bound;
    if (running > 0 || sched.deadlock_off || load_rlx(&sched.runq_size) != 0 ||
        load_rlx(&sched.stopping) != 0 || load_rlx(&sched.exiting) != 0 ||
        load_rlx(&sched.dying) != 0)
        return;
    for (uint32_t i = 0; i < load_rlx(&sched.nps); i++)
        if (load_rlx(&p_at(i)->timers.count) != 0 || !runq_empty(p_at(i)))
            return;
    for (struct m *m = m_first(); m != NULL; m = m_next(m))
        if (m->nextp != NULL)
            return;
    if (gc_busy() || trace_busy()) /* it will wake somebody */
        return;
    uint32_t ours = sched.nms + 1 + sched.has_maker + sched.nhelpers;
    if (os_thread_count() > (int)ours + track_threads())
        return;
    sched.deadlock_off = true;
    unlock(&sched.lock);
    if (g_count_exact() == 0)
        fatal("no goroutines (main called runtime.Goexit) - deadlock!");
    fatal("all goroutines are asleep - deadlock!");
}

int gort_num_cpu(void)
{
    return os_cpu_count();
}

void gort_breakpoint(void)
{
    arch_breakpoint();
}

void sched_each_m(void (*fn)(struct m *m, void *arg), void *arg)
{
    for (struct m *m = m_first(); m != NULL; m = m_next(m))
        fn(m, arg);
}

void sched_each_thread(void (*fn)(struct m *m, void *arg), void *arg)
{
    sched_each_m(fn, arg);
    for (struct m *m = load_acq(&sched.helpers); m != NULL; m = m_next(m))
        fn(m, arg);
}

struct g *m_user_g(struct m *m)
{
    struct g *g = load_acq(&m->curg); /* pairs with gort_attach_thread */
    return g == &m->g0 ? NULL : g;
}

uint32_t sched_idle_ps(void)
{
    return load_rlx(&sched.nidle_ps);
}

int64_t sched_started_ns(void)
{
    return sched.started_ns;
}

bool sched_started(void)
{
    return sched.started;
}

/* ---- the main goroutine, and the end */

int sched_run_main(struct m *m0, const struct start *s)
{
    struct go_options o = {.stack_bytes = 0};
    struct p *p;
    lock(&sched.lock);
    p = p_idle_get();
    unlock(&sched.lock);
    p_acquire(m0, p);
    o.stack_bytes = (size_t)s->arg[5];
    struct start first = *s;
    first.arg[5] = 0;
    struct g *g = g_new(&first, &o);
    store_rlx(&g->bound, m0); /* until main_goroutine is done with the initialisers */
    m0->lock_count = 1;
    m0->g0.param = g; /* nobody else takes it */
    schedule_loop(m0);
    return load_rlx(&sched.exit_status);
}

/* The main thread is in somebody's code; in ours it is about to see that the program ends. */
static bool main_in_foreign_code(void)
{
    const struct m *m0 = sched.m0;
    return load_rlx(&m0->curg) != (const void *)&m0->g0 && load_rlx(&m0->locks) == 0;
}

/* True once the main thread has reached the end of gort_run, false if it is held up in somebody's code:
 * asleep in the kernel without having run for a while, or computing for as long. A thread that only waits
 * for a CPU is neither, however long that takes. */
static bool main_arrives(void)
{
    int64_t from = os_clock_read_ns(sched.m0->cpu_clock), last = from;
    for (;;) {
        note_wake(&sched.m0->note); /* each time: it may just have cleared it */
        poll_break();
        if (note_sleep_for(&sched.exit_note, EXIT_GRACE_NS))
            return true;
        int64_t cpu = os_clock_read_ns(sched.m0->cpu_clock);
        bool still = cpu == last && os_thread_asleep(sched.m0->tid) != 0;
        if (main_in_foreign_code() && (cpu < 0 || still || cpu - from >= EXIT_GRACE_NS))
            return false;
        last = cpu;
    }
}

/* Goroutine 1 has returned `status`. The main thread, if it can be reached, returns from gort_run;
 * if it is held up in somebody's code for more than a moment, the process exits from here. */
void sched_exit_main(int status)
{
    struct m *m = m_enter();
    store_rlx(&sched.exit_status, status);
    if (swap_seq(&sched.exiting, 1u) != 0)
        m_sleep_for_ever();
    lock(&sched.lock);
    for (struct m *o = m_first(); o != NULL; o = m_next(o))
        or_seq(&o->attention, (uint32_t)ATT_EXIT);
    unlock(&sched.lock);
    if (m->is_main)
        jump_to_g0(m);
    if (!main_arrives())
        exit(status);
    m_sleep_for_ever();
}
