/* sched_int.h: what the files of this room share. */
#ifndef SCHED_SCHED_INT_H
#define SCHED_SCHED_INT_H

#include "base/track.h"
#include "sched/sched.h"
#include "sched/taps.h"

/* Part of the global queue: pointers in a row, so that nobody touches a goroutine that is not to run
 * yet; each lies on a page of its own. */
struct chunk {
    struct chunk *next;
    uint32_t head, tail; /* chunk->g[head..tail) are queued */
    struct g *g[GLOBAL_CHUNK];
};

/* The one scheduler. Grouped by who may touch what. */
struct sched {
    struct lock lock; /* rank sched */
    /* lock: */
    struct chunk *runq_first, *runq_last; /* the global queue */
    struct chunk *free_chunks;
    struct p *idle_ps;
    struct m *idle_ms;
    uint32_t nidle_ms;
    uint32_t nasleep_bound; /* threads asleep in place, their goroutine parked (park.c) */
    uint32_t nms, next_m_id;
    uint32_t max_ms;
    uint32_t stop_wait; /* Ps that world_stop still waits for */
    int64_t nexited_cgocalls;
    bool deadlock_off; /* reported already */
    bool has_maker;    /* goroutines may be stopped from now on */
    bool want_maker;
    uint32_t nhelpers; /* threads of sched_helper_start */
    /* lock+atomic: */
    aptr all_ms;  /* written under the lock, read without: m_first */
    aptr helpers; /* in the same way, linked by all_next; none is ever taken off */
    au32 runq_size;
    au32 nidle_ps;
    au32 stopping;
    au32
        hold; /* odd from the beginning of world_stop_all to world_start: threads without a P wait */
    aptr ps;  /* struct p *[nps] */
    au32 nps;
    /* atomic: */
    au32 nspinning;
    au32 restraint;      /* how much work is worth a wake (wake.c) */
    au32 monitor_asleep; /* for long: whoever takes an idle P wakes it */
    au32 want_thread;    /* work, an idle P, and no idle thread (maker.c) */
    ai64 last_poll;      /* 0 while a thread sleeps in poll_wait */
    ai64 poll_until;
    au64 next_g_id;
    ai64 nforeign; /* attached threads */
    au32 nps_made; /* Ps that exist, in use or not */
    au32 exiting;
    au32 dying;
    ai32 exit_status;
    /* const after start: */
    struct m *m0;
    int64_t started_ns;
    bool started;
    bool barrier_by_cas; /* no membarrier: m_enter makes its own barrier */
    bool signals;        /* SIGURG is ours */
    struct note exit_note, stop_note, monitor_note;
};
extern struct sched sched;

static inline struct p *p_at(uint32_t i)
{
    return ((struct p **)load_acq(&sched.ps))[i];
}

/* ---- g.c */
void g_init_thread(struct g *g);
void g_free(struct g *g);
int64_t g_count_exact(void); /* goroutines that are not dead and not the runtime's */
bool g_commit_free(struct g *g, void *arg);
void g_flush_free(struct p *p);

/* ---- runq.c */
void runq_put(struct p *p, struct g *g);
void runq_put_next(struct p *p, struct g *g);
struct g *runq_get_next(struct p *p);
struct g *runq_get(struct p *p);
bool runq_empty(const struct p *p);
uint32_t runq_len(const struct p *p);
/* Takes about half of `from`'s ring into `to`, one of which is returned. */
struct g *runq_steal(struct p *to, struct p *from, bool also_next);
void global_put(struct g *g);
void global_put_locked(struct g *g) REQUIRES(sched.lock);
/* One that can only run on its own, stopped or sleeping, thread; NULL if none is queued. */
struct g *global_take_bound_locked(void) REQUIRES(sched.lock);
/* One from the global queue, and a share of the rest for `p`'s ring. */
struct g *global_get_locked(struct p *p, uint32_t max) REQUIRES(sched.lock);

/* ---- p.c */
void p_idle_put(struct p *p) REQUIRES(sched.lock);
struct p *p_idle_get(void) REQUIRES(sched.lock);
void p_acquire(struct m *m, struct p *p);
struct p *p_release(struct m *m);
/* Takes P from a thread that is outside the runtime. */
bool p_revoke(struct p *p) REQUIRES(sched.lock);
void p_hand_off(struct p *p);

/* ---- m.c */
/* Who wants the thread: the caller; who called maker_ask; nobody, it is the program's. */
enum m_wanted { M_WANTED_HERE, M_WANTED_BY_ASKER, M_WAS_THERE };
struct m *m_new_locked(enum m_wanted by) REQUIRES(sched.lock);
void m_list(struct m *m) REQUIRES(sched.lock);
/* A walk over all Ms that needs no lock: an M is never freed, and one that is taken off the list still
 * leads on. A walk that meets an M while it is put back may see some twice. */
static inline struct m *m_first(void)
{
    return load_acq(&sched.all_ms); /* pairs with m_list, m_forget */
}
static inline struct m *m_next(struct m *m)
{
    return load_acq(&m->all_next); /* pairs with m_list, m_forget */
}
void m_start_thread(struct m *m);
/* The kernel gives no thread: -errno. `have` is how many there are. */
NORETURN void m_refused(uint32_t have, int err);
void m_init_self(struct m *m, bool own_signal_stack);
/* For a thread that is not in the list of Ms: only so that self() has an answer. */
struct m *m_new_helper(void);
/* The same on such a thread. */
void m_init_helper(struct m *m);
void m_forget(struct m *m);
void m_stop(struct m *m);
void m_exit(struct m *m);
/* Makes some thread run `p` (NULL: an idle one); spinning: it is to look for work. */
void m_start(struct p *p, bool spinning);
void m_check_deadlock(void) REQUIRES(sched.lock);
NORETURN void m_sleep_for_ever(void);
struct m *m_nobody_ptr(void);

/* ---- maker.c */
/* A thread of the runtime's own, to be made. */
struct helper {
    struct helper *next;
    void (*fn)(void *arg);
    void *arg;
    struct m m; /* not in the list of Ms; only so that self() has an answer */
};
void maker_start(void);
SIGSAFE void maker_ask(void);
void maker_bridge(void);

/* ---- schedule.c */
void schedule_loop(struct m *m);
struct g *schedule_pick_fast(struct m *m, struct p *p);
bool schedule_poll(void);

/* ---- park.c */
NORETURN void jump_to_g0(struct m *m);
bool park_in_place(struct m *m, struct g *g, park_commit commit, void *arg);
bool commit_global(struct g *g, void *arg);
bool commit_local(struct g *g, void *arg);

/* ---- latency.c */
COLD void latency_begin(struct g *g, struct p *p);
COLD void latency_end(struct g *g);
/* `g`, which others will find runnable in a moment, becomes so by this thread, whose P is p, or NULL. */
static inline void latency_of_other(struct g *g, struct p *p)
{
    if (unlikely(p == NULL || --p->runnable.left == 0))
        latency_begin(g, p);
}
/* The running goroutine runs again. */
static inline void latency_is_over(struct g *g)
{
    if (unlikely(load_rlx(&g->wait_since) < 0))
        latency_end(g);
}
/* Of a goroutine that does not wait, but steps back: what latency_stepped_forward gets. */
COLD int64_t latency_step_back(struct p *p);
COLD void latency_stepped_forward(int64_t at);

/* ---- wake.c */
void wake_one(void);
void wake_for(struct p *p);
void spinning_end(struct m *m, bool found);
void wake_was_worth(int64_t busy_ns);
bool work_anywhere(void);

/* ---- preempt.c, sysmon.c, stw.c */
void preempt_signal(struct m *m) REQUIRES(sched.lock);
SIGSAFE void preempt_on_signal(struct m *m, void *ucontext);
/* Announced calls, not counting the one that a foreign thread is always in. */
static inline bool m_in_call(struct m *m)
{
    const struct g *g = load_rlx(&m->curg);
    return load_seq(&m->announced) > (g != NULL && g->foreign ? 1u : 0u);
}
/* Is a world_stop_all under way, or has it stopped the world? */
static inline bool world_held(void)
{
    return (load_seq(&sched.hold) & 1) != 0;
}
/* Waits for world_start, if the world is held; may return too soon. The caller is inside. */
SIGSAFE void world_await_start(struct m *m);
void *sysmon_main(void *arg);
void sysmon_wake(void);
void world_reached(struct m *m);

/* ---- the switch itself, inline: its frames are part of what every parked goroutine keeps warm */
static inline void make_runnable(struct g *g)
{
    store_rlx(&g->wait_since, 0);
    store_rel(&g->status, (uint32_t)G_RUNNABLE);
}

/* The same by a thread that may have no P. */
static inline void make_ready(struct g *g, struct p *p)
{
    make_runnable(g);
    latency_of_other(g, p);
    if (likely(p != NULL))
        tap_go_unblock(g);
    else
        tap_go_unblock_far(g);
}

/* The previous goroutine's commit said no: it must run again. */
void refused_to_wait(struct g *prev);

/* What the new flow of control does first of all: see park.c, invariant 1. */
static inline void finish_switch(struct m *m)
{
    struct g *prev = load_rlx(&m->prev);
    park_commit commit = m->commit;
    void *arg = m->commit_arg;
    store_rel(&m->prev, NULL); /* pairs with g_is_parked */
    m->commit = NULL;
    if (commit != NULL && !commit(prev, arg))
        refused_to_wait(prev);
    DCHECK(locks_held() == 0); /* whoever waits took no lock along */
}

/* The sanitizers hear of it (track.h). */
void track_switch(struct g *from, struct g *to);

/* Leaves `from` for `to` on this thread; returns when somebody switches back, maybe elsewhere. */
static inline __attribute__((always_inline)) void switch_to(struct m *m, struct g *from,
                                                            struct g *to)
{
    from->saved_errno = *m->errno_p;
    *m->errno_p = to->saved_errno;
    struct p *p = m_p(m);
    if (p != NULL)
        store_rlx(&p->switches, load_rlx(&p->switches) + 1);
    store_rlx(&to->m, m);
    store_rlx(&m->prev, from);
    store_rel(&m->curg, to); /* pairs with g_is_parked */
    store_rlx(&to->status, (uint32_t)G_RUNNING);
    if (to != &m->g0)
        tap_go_switch(m, to);
    if (unlikely(track_on != 0) || track_fibers())
        track_switch(from, to);
    arch_switch(&from->ctx, &to->ctx);
    track_arrive(from->fake_stack);
    finish_switch(self());
}

#endif
