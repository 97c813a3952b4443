/* turn.c: one generation ends, the next begins.
 *
 * Owns    the current generation, and what each says first: all processors, all goroutines.
 * Holds   1. Each generation says of every goroutine and processor what it is, so that a file may begin
 *            with any of them.
 *         2. It does so from what the trace believes (g->trace.state), except for the first one after a
 *            pause, when it looks at the goroutines themselves.
 *         3. Nothing is under way when a generation ends but collections, assists and calls.
 * Locks   trace_lock, with the world stopped.
 * Instead of Go's way, where each thread goes over to the next generation by itself: a stop is at hand here,
 *         it takes as long as looking at the goroutines, and no event ever asks which generation it is in.
 */
#include "trace/trace_int.h"

#include "gc/gc.h"
#include "gc/up.h"
#include "sched/taps.h"

static struct gen *current;
static struct tables *tables[2];
static uint64_t number; /* of the last generation */

/* What the goroutine does, the world being stopped: one that runs has no P, and does so in a call or as if
 * in one. */
static uint8_t state_of(const struct g *g)
{
    switch (load_acq(&((struct g *)(uintptr_t)g)->status)) { /* pairs with make_runnable */
    case G_RUNNABLE:
        return GO_RUNNABLE;
    case G_RUNNING:
        return GO_SYSCALL;
    case G_WAITING:
        return GO_WAITING;
    default:
        return GO_NONE;
    }
}

struct saying {
    struct trace_m *t;
    bool anew;
    uint32_t nprocs;
};

/* With its first function: of a goroutine that does nothing a reader learns the name from here. */
static void say_status(struct trace_m *t, uint64_t id, uint64_t tid, uint8_t state, uint32_t stack)
{
    uint8_t *at = put_number(event(t, EV_GO_STATUS_STACK), id);
    event_done(t, put_number(put_number(put_number(at, tid), state), stack));
}

static void say_goroutine(struct g *g, void *arg)
{
    const struct saying *s = arg;
    if (s->anew) {
        g->trace.state = state_of(g);
        g->trace.assists = false;
        g->trace.nregions = 0;
    }
    g->trace.seq = 0;
    if (g->trace.state == GO_NONE)
        return; /* a thread that is about to attach */
    const struct m *m = load_rlx(&g->m);
    uint64_t tid = g->trace.state == GO_SYSCALL && m != NULL ? (uint64_t)m->tid : NOBODY;
    say_status(s->t, g->id, tid, g->trace.state, stack_of_root(g));
    if (g->trace.assists)
        event1(s->t, EV_ASSIST_ACTIVE, g->id);
}

static void say_processor(struct p *p, void *arg)
{
    const struct saying *s = arg;
    p->trace_seq = 0;
    if (p->id < s->nprocs)
        event2(s->t, EV_PROC_STATUS, p->id, PROC_IDLE);
}

static void say_all(bool anew)
{
    struct saying s = {trace_nobody(), anew, sched_nprocs()};
    sched_each_p(say_processor, &s);
    say_status(s.t, trace_helper_id(), NOBODY, GO_WAITING, trace_helper_stack());
    g_each(say_goroutine, &s);
    for (uint64_t now = trace_time(); trace_time() == now;)
        cpu_relax(1); /* whatever happens comes after it */
}

static void begin(struct m *m, struct gen *fresh, enum stw_kind kind, bool anew)
    REQUIRES(trace_lock)
{
    fresh->number = trace_generation = ++number;
    fresh->began_ns = os_nanotime();
    fresh->tables = tables_now = tables[number % 2];
    current = fresh;
    store_rlx(&trace_cut, 0u);
    if (anew)
        probe_set(PROBE_TRACE, true); /* before it looks at them: sched/taps.h */
    say_all(anew);
    trace_adopt(m, kind);
    struct trace_m *t = trace_of(m);
    event2(t, EV_PROCS_CHANGE, sched_nprocs(), 0);
    if (gc_marking())
        event1(t, EV_GC_ACTIVE, ++trace_gc_seq);
    trace_heap_goal(gc_goal());
}

static struct gen *end(struct m *m) REQUIRES(trace_lock)
{
    struct gen *old = current;
    trace_unadopt(m);
    trace_flush_all();
    old->ended_ns = os_nanotime();
    old->cut = load_rlx(&trace_cut) != 0;
    buffers_take_all(&old->buffers);
    return old;
}

static bool have_tables(void)
{
    for (int i = 0; i < 2; i++)
        if (tables[i] == NULL && (tables[i] = tables_new()) == NULL)
            return false;
    return true;
}

PARKS bool trace_turn(enum turn how, struct gen **ended)
{
    static const enum stw_kind kinds[] = {STW_TRACE_START, STW_TRACE_TURN, STW_TRACE_STOP};
    struct gen *fresh = how != TURN_STOP ? gen_new() : NULL;
    *ended = NULL;
    if (how != TURN_STOP && (fresh == NULL || !have_tables())) {
        if (fresh != NULL)
            gen_free(fresh);
        return false;
    }
    world_stop_for(WAIT_STOPPING, kinds[how]);
    struct m *m = self();
    lock(&trace_lock);
    bool dying = load_seq(&trace_dying) != 0; /* crash.c looks at the generation by now */
    if (!dying && how != TURN_START)
        *ended = end(m);
    if (*ended != NULL)
        store_seq(&trace_ending, (uint32_t)ENDING_SEALED);
    if (!dying && how != TURN_STOP) {
        begin(m, fresh, kinds[how], how == TURN_START);
    } else if (!dying) {
        trace_generation = 0;
        probe_set(PROBE_TRACE, false);
    }
    unlock(&trace_lock);
    world_start();
    return !dying;
}
