/* emit.c: from what happens to events.
 *
 * Owns    what sched and gc tell (their taps.h), the buffers of each thread, and what the trace believes of
 *         each goroutine and processor: g->trace, p->trace_seq.
 * Holds   1. Into the buffer of an M writes: its own thread, inside the runtime; or who takes its P, while
 *            ATT_REVOKING keeps the thread from going on.
 *         2. Whoever holds a P may write without a lock: a generation ends only while the world is stopped.
 *            So may a helper that has stopped it. All others hold trace_lock, as the end of one does.
 *         3. g->trace.state is what a reader of the trace believes after the events so far; it changes with
 *            the event that changes it. A processor without a thread is idle there.
 *         4. A sequence number is counted up by who owns the resource, with its event.
 * Locks   trace_lock, rank trace.
 * Order   see sched/taps.h for events without a P against the start of a trace.
 *
 * What a trace cannot say is put in its words: docs/internals/tracer.md.
 */
#include "trace/trace_int.h"

#include "conf/limits.h"
#include "dump/cgo.h"
#include "gc/up.h"
#include "mem/mem.h"
#include "sched/up.h"
#include "sched/taps.h"
#include "symb/symb.h"

#include <string.h>

struct lock trace_lock = LOCK_INIT(trace);
uint64_t trace_generation;
uint64_t trace_gc_seq;
au32 trace_cut;
struct tables *tables_now;

static aptr all; /* struct trace_m */
static struct trace_m *nobody;
static struct {
    uint64_t id; /* of the goroutine that helpers are shown as */
    uint64_t seq;
    const struct m *by; /* NULL: it waits */
} adopted;
static bool stw_open; /* by who stops the world */

/* ---- buffers */
static struct trace_m *new_trace_m(struct m *m)
{
    struct trace_m *t = persist_alloc(sizeof *t, 64);
    memset(t, 0, sizeof *t);
    t->m = m;
    do
        t->next = load_acq(&all);
    while (!cas_acq_rel(&all, (void *)t->next, (void *)t)); /* pairs with trace_flush_all */
    return t;
}

struct trace_m *trace_of(struct m *m)
{
    if (unlikely(m->trace == NULL))
        m->trace = new_trace_m(m);
    return m->trace;
}

struct trace_m *trace_nobody(void)
{
    if (nobody == NULL)
        nobody = new_trace_m(NULL);
    return nobody;
}

uint64_t trace_time(void)
{
    return (uint64_t)os_nanotime() >> UNIT_SHIFT;
}

static void flush(struct trace_m *t)
{
    struct buffer *b = t->buffer;
    if (b == NULL)
        return;
    b->len = (uint32_t)(t->at - b->data);
    put_size(b->data + b->size_at, b->len - b->size_at - 3);
    t->buffer = NULL;
    buffer_keep(b);
}

void trace_flush_all(void)
{
    for (struct trace_m *t = load_acq(&all); t != NULL; t = t->next) /* pairs with new_trace_m */
        flush(t);
}

void trace_each(void (*fn)(struct trace_m *t))
{
    for (struct trace_m *t = load_acq(&all); t != NULL; t = t->next) /* pairs with new_trace_m */
        fn(t);
}

/* Begins a batch. Without memory the generation is worth nothing any more: what is written goes nowhere. */
static void begin_batch(struct trace_m *t, uint64_t now)
{
    static uint8_t nowhere[HEAD_BYTES_MAX + 2 * EVENT_BYTES_MAX];
    flush(t);
    struct buffer *b = buffer_take();
    if (b == NULL) {
        store_rlx(&trace_cut, 1u);
        t->at = nowhere;
        t->end = nowhere + sizeof nowhere;
        t->last = now;
        return;
    }
    uint8_t *at = b->data;
    *at++ = EV_BATCH;
    at = put_number(at, trace_generation);
    at = put_number(at, t->m != NULL ? (uint64_t)t->m->tid : NOBODY);
    at = put_number(at, now);
    b->size_at = (uint32_t)(at - b->data);
    at += 3;
    t->end = at + TRACE_BUFFER_BYTES;
    t->last = now;
    event_done(t, at);
    __atomic_store_n(&t->buffer, b, __ATOMIC_RELEASE); /* crash.c */
}

static inline uint8_t *event_at(struct trace_m *t, enum event type, uint64_t now)
{
    if (unlikely(t->buffer == NULL || (size_t)(t->end - t->at) < EVENT_BYTES_MAX))
        begin_batch(t, now);
    uint8_t *at = t->at;
    *at++ = (uint8_t)type;
    at = put_number(at, now - t->last);
    t->last = now;
    return at;
}

uint8_t *event(struct trace_m *t, enum event type)
{
    return event_at(t, type, trace_time());
}

void event0(struct trace_m *t, enum event type)
{
    event_done(t, event(t, type));
}

void event1(struct trace_m *t, enum event type, uint64_t a)
{
    event_done(t, put_number(event(t, type), a));
}

void event2(struct trace_m *t, enum event type, uint64_t a, uint64_t b)
{
    event_done(t, put_number(put_number(event(t, type), a), b));
}

void event3(struct trace_m *t, enum event type, uint64_t a, uint64_t b, uint64_t c)
{
    event_done(t, put_number(put_number(put_number(event(t, type), a), b), c));
}

/* ---- stacks */
/* The function that the goroutine began with, as a return address in it. */
static uintptr_t root_of(const struct g *g)
{
    uintptr_t fn = (uintptr_t)g->start.fn;
    if (fn != 0 && !g->system && g->start.arg[0] != 0 && g->id == 1)
        fn = g->start.arg[0]; /* the program's, which boot/start.c's calls */
    return fn != 0 ? fn + 1 : 0;
}

uint32_t stack_of_root(const struct g *g)
{
    uintptr_t pc = g->foreign ? 0 : root_of(g);
    return pc != 0 ? tables_stack(tables_now, &pc, 1) : 0;
}

/* Where the walk has not come to the goroutine's first function (`whole`), by which it is named, that is put in
 * place of what is missing. Of the runtime's frames alone nothing is shown. */
static uint32_t stack_number(const struct g *g, uintptr_t *pcs, size_t n, bool whole)
{
    bool joined = symb_in_own_text((uintptr_t)stack_number);
    while (n > 0 && symb_in_own_text(pcs[n - 1])) {
        n--;
        whole = true;
    }
    if (n == 0)
        return stack_of_root(g);
    if (!whole && joined && !g->foreign && root_of(g) != 0)
        pcs[n < STACK_FRAMES_MAX ? n++ : n - 1] = root_of(g);
    return tables_stack(tables_now, pcs, n);
}

/* With foreign frames. What is added in a foreign call ends with the goroutine's own stack. */
static uint32_t complete_stack(const struct g *g, const void *ucontext, uintptr_t *pcs, size_t n,
                               bool whole)
{
    size_t more = cgo_complete(g, ucontext, pcs, n, STACK_FRAMES_MAX);
    if (more > n && g->in_cgo)
        whole = more < STACK_FRAMES_MAX;
    return stack_number(g, pcs, more, whole);
}

uint32_t stack_here(struct m *m)
{
    uintptr_t pcs[STACK_FRAMES_MAX];
    const struct g *g = m_curg(m);
    if (g == &m->g0)
        return 0;
    bool whole;
    size_t n = symb_backtrace_here_whole(&g->stack, g->in_cgo ? &m->g0.stack : NULL, true, pcs,
                                         STACK_FRAMES_MAX, &whole);
    return complete_stack(g, NULL, pcs, n, whole);
}

/* Stopped in a signal handler. */
static uint32_t stack_interrupted(struct m *m, const struct g *g)
{
    uintptr_t pcs[STACK_FRAMES_MAX];
    struct context at;
    arch_ucontext_to_context(g->sigctx, &at);
    bool whole;
    size_t n = symb_backtrace_whole(&at, true, &g->stack, g->in_cgo ? &m->g0.stack : NULL, pcs,
                                    STACK_FRAMES_MAX, &whole);
    return complete_stack(g, g->sigctx, pcs, n, whole);
}

/* ---- who may write, and what goes before */
/* False: the trace has ended meanwhile. */
static bool begin_far(void) TRY_ACQUIRES(true, trace_lock) NO_TSA
{
    lock(&trace_lock);
    if (trace_generation != 0)
        return true;
    unlock(&trace_lock);
    return false;
}

static void run_again(struct trace_m *t, struct g *g)
{
    if (g->trace.state ==
        GO_SYSCALL) { /* called back from a call: for the trace, that was its end */
        event0(t, EV_GO_SYSCALL_END);
        g->trace.state = GO_RUNNING;
    }
}

struct trace_m *trace_running(struct m *m)
{
    struct trace_m *t = trace_of(m);
    struct g *g = m_curg(m);
    if (g != &m->g0)
        run_again(t, g);
    return t;
}

/* ---- goroutines */
void trace_go_create(struct g *g)
{
    struct m *m = self();
    struct trace_m *t = trace_running(m);
    g->trace.seq = 0;
    g->trace.assists = false;
    g->trace.nregions = 0; /* it may have died while no trace was made */
    event3(t, EV_GO_CREATE, g->id, stack_of_root(g), stack_here(m));
    g->trace.state = GO_RUNNABLE;
}

void trace_go_start(struct m *m, struct g *g)
{
    DCHECK(g->trace.state == GO_RUNNABLE);
    struct trace_m *t = trace_of(m);
    /* Straight from one goroutine into the next: what the one did last has just been written, and a look at
     * the clock is the dearest part of an event. */
    const struct g *before = load_rlx(&m->prev);
    bool straight = before != NULL && before != &m->g0 && t->buffer != NULL;
    uint8_t *at = event_at(t, EV_GO_START, straight ? t->last : trace_time());
    event_done(t, put_number(put_number(at, g->id), ++g->trace.seq));
    g->trace.state = GO_RUNNING;
}

static enum text text_of_wait(enum wait_reason why)
{
    static const uint8_t texts[WAIT_REASONS] = {
        [WAIT_IO] = TEXT_NETWORK,
        [WAIT_CHAN_RECV_NIL] = TEXT_FOREVER,
        [WAIT_CHAN_SEND_NIL] = TEXT_FOREVER,
        [WAIT_SELECT] = TEXT_SELECT,
        [WAIT_SELECT_NONE] = TEXT_FOREVER,
        [WAIT_CHAN_RECV] = TEXT_CHAN_RECV,
        [WAIT_CHAN_SEND] = TEXT_CHAN_SEND,
        [WAIT_FINALIZER] = TEXT_SYSTEM,
        [WAIT_SEMACQUIRE] = TEXT_SYNC,
        [WAIT_SLEEP] = TEXT_SLEEP,
        [WAIT_COND] = TEXT_COND,
        [WAIT_MUTEX] = TEXT_SYNC,
        [WAIT_RWMUTEX_RLOCK] = TEXT_SYNC,
        [WAIT_RWMUTEX_LOCK] = TEXT_SYNC,
        [WAIT_PREEMPTED] = TEXT_PREEMPTED,
        [WAIT_GC] = TEXT_UNTIL_GC_ENDS,
        [WAIT_GC_ASSIST] = TEXT_ASSIST,
        [WAIT_TRACE] = TEXT_SYSTEM,
    };
    return why < WAIT_REASONS && texts[why] != 0 ? texts[why] : TEXT_UNSPECIFIED;
}

void trace_go_block(struct m *m, struct g *g, unsigned why)
{
    struct trace_m *t = trace_running(m);
    event2(t, EV_GO_BLOCK, text_of_wait(why), stack_here(m));
    g->trace.state = GO_WAITING;
}

static void unblock(struct m *m, struct g *g)
{
    if (g->trace.state != GO_WAITING)
        return; /* new; or the trace began when it was already runnable */
    event3(trace_of(m), EV_GO_UNBLOCK, g->id, ++g->trace.seq, stack_here(m));
    g->trace.state = GO_RUNNABLE;
}

void trace_go_unblock(struct g *g)
{
    struct m *m = self();
    if (m_p(m) != NULL) {
        unblock(m, g);
    } else if (begin_far()) {
        unblock(m, g);
        unlock(&trace_lock);
    }
}

void trace_go_stop(struct m *m, struct g *g, unsigned why)
{
    struct trace_m *t = trace_running(m);
    uint32_t stack = g->sigctx != NULL ? stack_interrupted(m, g) : stack_here(m);
    event2(t, EV_GO_STOP, why == STOP_GOSCHED ? TEXT_GOSCHED : TEXT_PREEMPTED, stack);
    g->trace.state = GO_RUNNABLE;
}

void trace_go_end(struct m *m, struct g *g)
{
    g->trace.nregions = 0;
    event0(trace_running(m), EV_GO_DESTROY);
    g->trace.state = GO_NONE;
}

void trace_thread_attach(struct m *m, struct g *g)
{
    if (!begin_far())
        return;
    if (g->trace.state == GO_NONE) { /* else the trace began just now, and knows it */
        g->trace.seq = 0;
        g->trace.assists = false;
        g->trace.nregions = 0;
        event1(trace_of(m), EV_GO_CREATE_SYSCALL, g->id);
        g->trace.state = GO_SYSCALL;
    }
    unlock(&trace_lock);
}

/* The next thread of this M, or of this number, has batches of its own, after these. */
void trace_thread_end(struct m *m)
{
    lock(&trace_lock);
    flush(m->trace);
    unlock(&trace_lock);
}

/* ---- calls */
void trace_syscall_begin(struct m *m)
{
    struct g *g = m_curg(m);
    struct p *p = m_p(m);
    if (g->trace.state != GO_RUNNING)
        return; /* a call in a call */
    event2(trace_of(m), EV_GO_SYSCALL_BEGIN, ++p->trace_seq, stack_here(m));
    g->trace.state = GO_SYSCALL;
}

void trace_syscall_end(struct m *m)
{
    (void)trace_running(m);
}

void trace_syscall_lost(struct m *m, struct g *g)
{
    if (!begin_far())
        return;
    if (g->trace.state == GO_SYSCALL) {
        event0(trace_of(m), EV_GO_SYSCALL_END_BLOCKED);
        g->trace.state = GO_RUNNABLE;
    }
    unlock(&trace_lock);
}

/* ---- processors */
void trace_proc_start(struct m *m, struct p *p)
{
    event2(trace_of(m), EV_PROC_START, p->id, ++p->trace_seq);
}

void trace_proc_stop(struct m *m, struct p *p)
{
    (void)p;
    event0(trace_of(m), EV_PROC_STOP);
}

/* Written as if by the thread itself, in whose hands the buffer is otherwise (1). What it does, unannounced
 * or not, is a call from now on, and one that has lost its processor. */
void trace_proc_steal(struct p *p, struct m *from)
{
    struct trace_m *t = trace_of(from);
    struct g *g = m_curg(from);
    if (g->trace.state == GO_RUNNING) {
        event2(t, EV_GO_SYSCALL_BEGIN, ++p->trace_seq, stack_of_root(g));
        g->trace.state = GO_SYSCALL;
    }
    event0(t, EV_PROC_STOP);
}

struct others {
    struct trace_m *t;
    const struct p *mine;
    uint32_t n;
};

static void say_idle(struct p *p, void *arg)
{
    const struct others *o = arg;
    if (p == o->mine || p->id >= o->n)
        return;
    p->trace_seq = 0;
    event2(o->t, EV_PROC_STATUS, p->id, PROC_IDLE);
}

void trace_procs_changed(uint32_t n)
{
    struct m *m = self();
    struct trace_m *t = trace_running(m);
    sched_each_p(say_idle, &(struct others){t, m_p(m), n});
    event2(t, EV_PROCS_CHANGE, n, stack_here(m));
}

/* ---- the world */
static struct p *first_p;

static void note_first(struct p *p, void *arg)
{
    (void)arg;
    if (p->id == 0)
        first_p = p;
}

uint32_t trace_helper_stack(void)
{
    uintptr_t pc = (uintptr_t)world_stop_for + 1;
    return tables_stack(tables_now, &pc, 1);
}

uint64_t trace_helper_id(void)
{
    if (adopted.id == 0)
        adopted.id = g_take_id();
    adopted.seq = 0;
    return adopted.id;
}

void trace_adopt(struct m *m, enum stw_kind kind)
{
    struct trace_m *t = trace_of(m);
    if (first_p == NULL)
        sched_each_p(note_first, NULL);
    event3(t, EV_GO_UNBLOCK, adopted.id, ++adopted.seq, 0);
    event2(t, EV_PROC_START, first_p->id, ++first_p->trace_seq);
    event2(t, EV_GO_START, adopted.id, ++adopted.seq);
    event2(t, EV_STW_BEGIN, TEXT_STW_OTHER + kind, 0);
    adopted.by = m;
}

void trace_unadopt(struct m *m)
{
    struct trace_m *t = trace_of(m);
    event0(t, EV_STW_END);
    event2(t, EV_GO_BLOCK, TEXT_SYSTEM, 0);
    event0(t, EV_PROC_STOP);
    adopted.by = NULL;
}

void trace_stw_begin(unsigned kind)
{
    struct m *m = self();
    if (m_p(m) == NULL) {
        trace_adopt(m, kind);
        return;
    }
    struct trace_m *t = trace_running(m);
    event2(t, EV_STW_BEGIN, TEXT_STW_OTHER + kind, stack_here(m));
    stw_open = true;
}

void trace_stw_end(void)
{
    struct m *m = self();
    if (adopted.by == m)
        trace_unadopt(m);
    else if (stw_open)
        event0(trace_running(m), EV_STW_END);
    stw_open = false;
}

/* ---- the collector */
void trace_gc_begin(void)
{
    event2(trace_of(self()), EV_GC_BEGIN, ++trace_gc_seq, 0);
}

void trace_gc_end(void)
{
    event1(trace_of(self()), EV_GC_END, ++trace_gc_seq);
}

void trace_assist_begin(void)
{
    struct m *m = self();
    struct trace_m *t = trace_running(m);
    event1(t, EV_ASSIST_BEGIN, stack_here(m));
    m_curg(m)->trace.assists = true;
}

void trace_assist_end(void)
{
    struct m *m = self();
    struct g *g = m_curg(m);
    if (g->trace.assists) /* else the trace began meanwhile */
        event0(trace_running(m), EV_ASSIST_END);
    g->trace.assists = false;
}

static bool has_p(struct m *m)
{
    return m_p(m) != NULL || adopted.by == m;
}

void trace_sweep_begin(void)
{
    struct m *m = self();
    if (m_p(m) == NULL)
        return;
    struct trace_m *t = trace_of(m);
    event1(t, EV_SWEEP_BEGIN, stack_here(m));
    t->sweeps = true;
}

void trace_sweep_end(uint64_t swept_bytes, uint64_t freed_bytes)
{
    struct m *m = self();
    struct trace_m *t = m->trace;
    if (t == NULL || !t->sweeps)
        return;
    event2(t, EV_SWEEP_END, swept_bytes, freed_bytes);
    t->sweeps = false;
}

void trace_heap_alloc(uint64_t live_bytes)
{
    struct m *m = self();
    if (has_p(m))
        event1(trace_of(m), EV_HEAP_ALLOC, live_bytes);
}

void trace_heap_goal(uint64_t goal_bytes)
{
    struct m *m = self();
    if (has_p(m))
        event1(trace_of(m), EV_HEAP_GOAL, goal_bytes == UINT64_MAX ? 0 : goal_bytes);
}
