/* sched.h: goroutines, threads, processors, and what makes a goroutine wait or run.
 *
 * G  struct g   a goroutine: a suspended or running flow of control on a stack of its own.
 * M  struct m   a thread.
 * P  struct p   the right to run goroutines, with the queues and caches that go with it; there are
 *               GOMAXPROCS of them.
 *
 * Inside and outside. A thread is *inside* the runtime between m_enter() and m_leave(). Inside, it
 * keeps its P and its thread, and is not pre-empted. Outside (user code, libc, a system call) the
 * monitor may take its P away at any moment without its knowing, or, if it computes for too long,
 * stop the thread in a signal handler. Both sides meet in m_enter: it publishes `locks`, then reads
 * `attention`; who takes a P publishes `attention`, makes every thread pass a barrier, then reads
 * `locks`. At least one sees the other (docs/internals/preemption.md, test/model/revoke.pml).
 *
 *     struct m *m = m_enter();     may park: to give way, or to get a P back
 *     ... m->p is ours, locks may be taken ...
 *     park(commit, arg, WAIT_X);   another thread afterwards: m is stale
 *     m_leave(self());
 *
 * Every public function that touches runtime state is such a bracket. Nested brackets are allowed
 * (only the outermost gives way), but park() wants exactly one.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "arch/arch.h"
#include "base/atomic.h"
#include "base/attr.h"
#include "base/check.h"
#include "base/self.h"
#include "base/timehist.h"
#include "conf/limits.h"
#include "os/os.h"
#include "stack/stack.h"
#include "timer/timer.h"

struct gort_type;
struct scope;     /* panic/defer.c */
struct panicking; /* panic/panic.c */
struct ancestor;  /* dump/traceback.c */
struct cache;     /* mem/cache.c */

/* Go's numbers: they are printed. */
enum g_status {
    G_IDLE = 0,
    G_RUNNABLE = 1,
    G_RUNNING = 2,
    G_SYSCALL = 3,
    G_WAITING = 4,
    G_DEAD = 6,
};

enum wait_reason {
#define WAIT(name, text) WAIT_##name,
#include "sched/wait.def"
#undef WAIT
    WAIT_REASONS
};
const char *wait_reason_text(enum wait_reason r);

/* Lives at the top of its own stack's slot, so that a parked goroutine costs one page.
 *
 *            gort_go              schedule               park
 *   G_DEAD ----------> RUNNABLE ----------> RUNNING -----------> WAITING
 *      ^                  ^  ^                 |  |                 |
 *      |       gosched,   |  +-----------------+  |                 |
 *      |       preempt    |        ready          |                 |
 *      |                  +-----------------------|-----------------+
 *      +------------------------------------------+  g_end, gort_goexit
 */
struct g {
    /* A switch touches the first two lines, a birth or a death the next two as well; the rest is
     * zero unless somebody needs it. An owner is whoever runs it; while it is parked, whoever will
     * ready it. */
    struct context ctx; /* owner */
    struct g *next;     /* owner; in a list of dead goroutines */
    aptr bound;         /* atomic; the only thread that may run it, or NULL */
    aptr m;             /* atomic; the thread that runs it */
    au32 status;        /* atomic; enum g_status */
    au32 wait_reason;   /* atomic */
    ai64
        wait_since; /* atomic; os_nanotime, stamped now and then while it waits; 0 unknown. While it
                           is runnable: negative, latency.c */
    int saved_errno;  /* owner */
    au32 select_done; /* atomic; set by the first case that wins (chan/select.c) */
    void *param; /* owner; while it waits for a channel, lock or select: which; else what ready()
                           has to say to park()'s caller */

    /* const while not G_DEAD: */
    struct start start;
    uint64_t id;
    struct stack stack;
    uintptr_t created_pc; /* return address of the go statement; 0 for goroutine 1 */
    uint64_t parent_id;
    struct ancestor *ancestors;
    aptr labels;  /* owner, atomic; of its samples (prof/labels.c), on the collected heap or NULL */
    bool system;  /* not counted, hidden in tracebacks */
    bool foreign; /* a thread that the program made: its stack is the thread's. Never written
                                otherwise: others ask it of whoever runs somewhere right now */
    /* owner: */
    bool faulted; /* `fault` has been written */
    bool started; /* has run; before that only its entry is known */
    bool exiting; /* gort_goexit is running its deferred functions */
    bool panic_on_fault;
    bool leaked;       /* STW: nobody could wake it when that was last asked (prof/goroutine.c) */
    bool in_user_code; /* a system goroutine that runs a finalizer: tracebacks show it */
    bool in_cgo;       /* on its thread's own stack, inside gort_cgocall */
    au64 cgo_sp;       /* atomic; while in_cgo, where its own stack ends; else 0 */
    const struct context
        *cgo_at;           /* owner; while in_cgo and not foreign: where its own stack goes on */
    uintptr_t cgo_context; /* owner; what the program recorded of a foreign call that waits */
    struct scope *scope;   /* innermost gort_scope */

    struct panicking *panics; /* innermost panic */
    const void *sigctx;       /* ucontext while its thread is stopped in a signal handler */
    void *fiber;              /* ThreadSanitizer's */
    void *fake_stack;         /* AddressSanitizer's */
    struct {                  /* the execution tracer's: trace/emit.c */
        uint64_t seq;
        uint8_t state;
        bool assists;
        uint16_t nregions; /* open ones, and the names of the outer ones: trace/user.c */
        uint32_t regions[8];
    } trace;
    struct {
        int sig;
        int code;
        uintptr_t addr, pc;
        struct context ctx; /* registers at the faulting instruction */
    } fault;
};

enum attention {
    ATT_YIELD = 1,    /* the time slice is over */
    ATT_REVOKING = 2, /* somebody decides about our P right now: wait */
    ATT_REVOKED = 4,  /* our P is gone */
    ATT_STOP = 8,     /* the world is stopping */
    ATT_NOBODY = 16,  /* this thread is not the runtime's */
    ATT_SIGNAL = 32,  /* a SIGURG is on its way */
    ATT_EXIT = 64,    /* the program is ending */
    ATT_BARRIER =
        128,          /* always set where the kernel has no membarrier: m_enter makes the barrier */
    ATT_ASSIST = 256, /* the running goroutine owes the collector some marking (gc_assist) */
};

/* After a switch, the goroutine left behind is finished with: queued, unlocked, freed. False means
 * that it must not wait after all; it is made runnable at once. */
typedef bool (*park_commit)(struct g *g, void *arg);

enum { M_CREATED_FRAMES = 32 };
enum m_kind {
    M_WORKER,    /* runs goroutines */
    M_HELPER,    /* does one thing for the runtime; not in the list of Ms */
    M_COLLECTOR, /* a helper of the collector's */
};

struct m {
    /* owner, read by others: */
    au32 locks;     /* > 0: inside the runtime */
    au32 attention; /* bits of enum attention; set by others, cleared by the owner */
    aptr p;
    aptr curg;      /* the running goroutine; &g0 while scheduling */
    au32 announced; /* > 0: between gort_enter_syscall and gort_exit_syscall */
    au32 steady;    /* 1: in a call with a lock of ours, not stopped even if the program dies */
    /* owner: */
    aptr prev; /* just switched away from; park_commit is still to be called */
    park_commit commit;
    void *commit_arg;
    int *errno_p;
    struct g g0;      /* the thread's own stack */
    int64_t woken_ns; /* when it was last woken to look for work, or 0 */
    bool poll_paid;   /* its last sleep in the netpoller found somebody */
    au32 spinning;    /* written by the thread, or while it sleeps; read by who prints */
    bool is_main;     /* the thread that called gort_run */
    bool in_handler;
    uint32_t lock_count; /* gort_lock_os_thread, nested */
    uint64_t rand;
    uint32_t dying; /* how deep in failing: panic/report.c */
    au64 ncgocall;
    /* lock (sched): */
    struct m *idle_next;
    aptr all_next;   /* lock+atomic: m_next */
    struct p *nextp; /* handed over together with `note` */
    au32 blocked;    /* lock+atomic: asleep on `note` */
    bool regaining;  /* without a P, on its way to give its goroutine to the global queue */
    uint32_t id;
    int tid;
    clockid_t cpu_clock;
    struct note note;
    struct trace_m *trace; /* owner, or who takes its P: trace/emit.c */
    /* for the collector: */
    au64 thread_pointer;            /* atomic: its thread-locals are found from here; 0: none yet */
    uintptr_t signal_lo, signal_hi; /* its alternate stack; 0: none */
    /* atomic: */
    aptr held; /* ucontext while world_stop_all holds it, without a P, in a signal handler */
    au32 awaits_start; /* world_start is to wake `note` */
    /* stw: */
    bool loose;        /* sleeps in a call that no signal interrupts: its registers are not known */
    struct g *loose_g; /* what it ran then */
    /* monitor: */
    int64_t last_cpu_ns;
    /* for profiles: */
    ai64 cpu_timer;                         /* atomic; prof/cpu.c */
    ai64 cpu_due, cpu_every;                /* atomic; prof/cpu_due.c */
    int64_t cpu_seen_ns, cpu_seen_sleeps;   /* the thread that looks: prof/cpu_due.c */
    uint64_t cpu_last;                      /* lock (prof); prof/cpu_log.c */
    int cpu_last_tid;                       /* the same */
    enum m_kind kind;                       /* const */
    uintptr_t created_by[M_CREATED_FRAMES]; /* const; who wanted it, 0 behind the last; or nobody */
};

enum p_status { P_IDLE = 0, P_RUNNING = 1, P_SYSCALL = 2, P_STOPPED = 3, P_DEAD = 4 };

/* Which of many events is measured: latency.c. */
struct sampler {
    uint32_t left;   /* events until the next sample, itself included */
    uint16_t weight; /* log2 of how many events a sample stands for */
    uint16_t quick;  /* samples in a row that came too soon */
    int64_t last_ns;
};

struct p {
    /* owner: */
    uint32_t id;
    au32 schedtick;          /* read by the monitor */
    struct sampler runnable; /* goroutines made so here */
    au32 syscalltick;
    uint64_t rand;
    ai64 ngs;                  /* births minus deaths seen here; read by all */
    struct g *gfree;           /* dead goroutines with warm stacks, last in first out */
    au32 ngfree;               /* read by the monitor */
    uint64_t next_id, last_id; /* goroutine ids */
    struct cache *cache;       /* mem */
    int64_t assist_debt;       /* bytes to mark, for what was allocated here (gc/assist.c) */
    uint32_t assist_cycle;     /* in which the debt arose */
    struct sampler blocked;    /* waits for mutexes that began here */
    uint64_t trace_seq;        /* trace/emit.c */
    /* atomic: */
    au32 status;
    aptr m;
    au32 runq_head; /* runq.c */
    au32 runq_tail;
    aptr runnext;
    aptr runq[RUNQ_CAP];
    au32 switches;  /* goroutines that ran here; unlike schedtick, all of them */
    au32 waking;    /* its thread is in the kernel, waking another */
    au32 want_wake; /* runnext was filled without waking anyone */
    struct timers timers;
    /* lock (sched): */
    struct p *idle_next;
    /* monitor: */
    struct {
        uint32_t tick;
        uint32_t systick;
        int64_t since;
        int64_t cpu_ns, cpu_at;
        uint32_t switches;
        bool backlog;
        bool asked;
    } seen;
};

/* ---- enter and leave: the fast road is two stores and a load */
struct m *m_enter_slow(void);
static inline struct m *m_enter(void)
{
    struct m *m = self();
    store_rlx(&m->locks, load_rlx(&m->locks) + 1);
    compiler_barrier(); /* a real one is made by os_membarrier in p_revoke */
    if (unlikely(load_acq(&m->attention) != 0))
        return m_enter_slow();
    return m;
}
static inline void m_leave(struct m *m)
{
    store_rel(&m->locks, load_rlx(&m->locks) - 1); /* pairs with p_revoke */
}
static inline struct g *m_curg(struct m *m)
{
    return load_rlx(&m->curg);
}
static inline struct p *m_p(struct m *m)
{
    return load_rlx(&m->p);
}
/* The running goroutine; no bracket needed, since only itself can end. NULL on a foreign thread. */
struct g *g_self(void);

/* ---- g.c: goroutines */
struct go_options {
    size_t stack_bytes; /* 0: the default */
    uintptr_t created_pc;
    bool system;
};
/* A new runnable goroutine; the caller is inside. */
struct g *g_new(const struct start *s, const struct go_options *o);
int g_count(void);
/* A number for something that is shown as a goroutine and is none. */
uint64_t g_take_id(void);
/* ThreadSanitizer: what was released on `at` happened before what parked `g` does next, and what it did
 * before it parked is released on `at`. */
void g_track_pass(struct g *g, const void *at);
/* Do tracebacks for users leave it out? */
static inline bool g_is_hidden(const struct g *g)
{
    return g->system && !g->in_user_code;
}
/* Calls fn for every goroutine that is not dead, in creation-slot order. Goroutines may come and go
 * meanwhile unless the world is stopped. */
void g_each(void (*fn)(struct g *g, void *arg), void *arg);
NORETURN void g_end(void);
const struct start *g_begin(void);

/* ---- park.c: waiting and being woken */
PARKS void park(park_commit commit, void *arg, enum wait_reason why);
/* Releases `l` once the goroutine can be readied. */
PARKS void park_unlock(struct lock *l, enum wait_reason why) NO_TSA;
/* Waits for ever. */
PARKS NORETURN void park_forever(enum wait_reason why);
/* Makes `g` run next on this P; the caller is inside (or has its own P-less thread: then it goes to
 * the global queue). */
void ready(struct g *g);
/* As ready, but behind the others: for many wake-ups at once. */
void ready_tail(struct g *g);
PARKS void yield(void);
/* Gives the rest of the slice to `g`, which is made runnable: the mutex's hand-off. */
PARKS void ready_and_yield(struct g *g);

/* ---- schedule.c, m.c, p.c, wake.c */
uint32_t sched_nprocs(void);
/* GOMAXPROCS times the time since the start, in nanoseconds of CPU. The caller is inside. */
int64_t sched_procs_ns(int64_t now_ns);
void sched_init(int nprocs);
int sched_run_main(struct m *m0, const struct start *s);
NORETURN void sched_exit_main(int status);
/* Returns the previous limit. */
int sched_set_max_threads(int n);
/* Calls fn for every thread of the runtime; for a dying program, so without the lock. */
void sched_each_m(void (*fn)(struct m *m, void *arg), void *arg);
/* The same for the helpers too. */
void sched_each_thread(void (*fn)(struct m *m, void *arg), void *arg);
/* Calls fn for every P there has ever been: those beyond GOMAXPROCS are empty. */
void sched_each_p(void (*fn)(struct p *p, void *arg), void *arg);
bool sched_started(void);
int64_t sched_started_ns(void);
/* Fills in the rest of gort_run: this thread becomes an M, the monitor starts. */
struct m *sched_start(int nprocs);
void sched_stop_main(void);
/* Is there anything a busy-waiting goroutine would steal time from? For the mutex's spinning. */
bool sched_can_spin(int rounds);
/* Arms the idle timer `t` on this P; timer_stop finds it by itself. The caller is inside. */
void sched_timer_start(struct timer *t);
/* Arms `t` anew, on this P; true if it was pending. Any thread may do so at the same time. */
bool sched_timer_reset(struct timer *t, int64_t when_ns, int64_t period_ns);

/* ---- syscall.c */
/* An announced call: the P may be taken after 20 us, and no SIGURG interrupts the call. Brackets do
 * not nest inside m_enter. errno is kept. */
void sched_enter_syscall(void); /* arch/.../call.S */
void sched_announced(struct m *m);
PARKS void sched_trace_call(void);
void sched_exit_syscall(void);
/* In an announced call, while it holds a lock of this library: a dying program, which stops who is in a call,
 * too, leaves the thread alone. */
void sched_steady(bool steady);
/* Is this thread between m_enter and m_leave? */
bool sched_is_inside(void);
void sched_unwound_to(uintptr_t sp);

/* ---- stw.c: the world */
/* Stops every goroutine: on return none runs, all contexts are known (g->ctx, or g->sigctx when the
 * thread is stopped in a handler). The caller is inside and stays so. */
PARKS void world_stop(enum wait_reason why);
/* What for, in execution traces; STW_OTHER unless said. */
enum stw_kind {
    STW_OTHER,
    STW_MARK_TERM,
    STW_SWEEP_TERM,
    STW_HEAP_DUMP,
    STW_STACKS,
    STW_MEM_STATS,
    STW_GOMAXPROCS,
    STW_MARK_SLICE,
    STW_TRACE_START,
    STW_TRACE_STOP,
    STW_TRACE_TURN,
    STW_KINDS
};
PARKS void world_stop_for(enum wait_reason why, enum stw_kind kind);
void world_start(void);
/* As world_stop, for the collector; the caller is a thread of the runtime's own without a P. On return
 * no thread executes code of the program at all: one that computes although its P was taken is held
 * in a signal handler too (m->held), one in an announced call stays in it or waits at its end, and its
 * callee-saved registers and stack pointer are in g->ctx. A thread asleep in a call that nobody
 * announced is interrupted by a signal whose handler holds it; such calls restart where the kernel
 * restarts calls. */
PARKS void world_stop_all(enum wait_reason why);
PARKS void world_stop_all_for(enum wait_reason why, enum stw_kind kind);
/* The goroutine this thread runs or has parked in place, with the world stopped; NULL if none: then
 * only the runtime's own frames are on its stack. */
STW struct g *m_user_g(struct m *m);
/* Is the goroutine suspended, with all it holds from g->ctx.sp up, and free to go to any thread? It may
 * be on its way the next moment. */
bool g_is_parked(const struct g *g);
/* A thread of the runtime's own, without a P, not in the list of Ms; it may use locks, ready() and
 * world_stop_all. Made by the maker where that must be; fn starts some time later and never returns.
 * 0 or -errno. */
int sched_helper_start(void (*fn)(void *arg), void *arg);
/* Ps that nobody uses right now. */
uint32_t sched_idle_ps(void);
/* Makes the running goroutine call gc_assist at its next m_enter. The caller is inside. */
void sched_want_assist(void);
/* For a dying program: stops what can be stopped within a few ms. Takes no lock for good. */
void world_freeze(void);

/* ---- latency.c */
/* From runnable to running. */
extern struct timehist sched_latencies;
/* Between the two a goroutine waits for a mutex. 0: this wait is not measured. The caller is inside. */
int64_t sched_mutex_wait_begin(void);
void sched_mutex_wait_end(int64_t at);
extern ai64 sched_mutex_wait_ns; /* of all goroutines */

/* ---- signal.c */
void sched_signals_init(void);
/* What a fault on a goroutine becomes, on that goroutine's own stack; g->fault says which. */
NORETURN void sched_fault(void);

/* ---- trace lines of GODEBUG=schedtrace, and of dying programs */
void sched_print_state(bool detailed);

#endif
