/* control.c: a trace is begun, ended, read.
 *
 * Owns    the tracer's thread, which alone ends generations and finds names; what is asked of it; and the
 *         generations that wait for gort_read_trace.
 * Holds   1. A generation in `unread` or under `reading` counts as one reader, one that the flight recorder
 *            keeps as another; without readers it is freed.
 *         2. Generations follow each other without a gap from the trace's first to its last. One that is
 *            cut, or more than TRACE_UNREAD_MAX unread bytes, ends the trace before it; so does a lack of
 *            memory for the last one.
 *         3. Who has stopped a trace waits for the end of that one: somebody else may begin the next before
 *            he runs again.
 * Locks   trace_control_lock, rank tracectl; who parks for the tracer's thread, or for bytes, is readied by
 *         it after unlocking.
 *
 *            OP_START                OP_STOP              the last byte is read
 *   OFF ----------------> ON ------------------> DRAINING ----------------------> OFF
 */
#include "trace/trace_int.h"

#include "base/fmt.h"
#include "conf/limits.h"
#include "panic/panic.h"
#include "sched/up.h"

#include <errno.h>

struct request {
    struct request *next;
    struct g *g;
    enum control_op op;
    int result;
    uint64_t trace; /* the one that was stopped */
};

enum phase { OFF, ON, DRAINING };

struct lock trace_control_lock = LOCK_INIT(tracectl);
au32 trace_dying, trace_ending;
size_t trace_unread_max = TRACE_UNREAD_MAX;
static struct {
    /* lock: */
    struct request *asked;
    bool header_read;
    bool cut_off; /* the trace has ended by itself */
    struct gen *unread, *unread_last;
    struct gen *reading;
    size_t unread_bytes;       /* of `unread` and `reading` */
    const struct piece *piece; /* of it, the reader's until its next call */
    uint64_t trace;            /* the number of the last one */
    struct g *stopping;        /* waits until all of it is read */
    /* lock+atomic: */
    aptr reader; /* waits for bytes */
    au32 phase;
    /* atomic: */
    au32 busy;
    au32 started;
    au32 full;
    struct note wake;
    /* the tracer's thread: */
    bool flight;
    int64_t turned_ns;
} control;

static bool emitting(void)
{
    return control.flight || (load_rlx(&control.phase) == ON && !control.cut_off);
}

void trace_generation_is_full(void)
{
    store_rlx(&control.full, 1u);
    note_wake(&control.wake);
}

/* Somebody of the program waits for what the tracer's thread will do by itself. */
bool trace_busy(void)
{
    const struct g *reader = load_seq(&control.reader);
    return load_seq(&control.busy) != 0 || (reader != NULL && !reader->system);
}

/* ---- the tracer's thread */
void gen_drop(struct gen *g)
{
    if (--g->readers == 0)
        gen_free(g);
}

static void deliver(struct gen *g) REQUIRES(trace_control_lock)
{
    if (load_rlx(&control.phase) != ON || control.cut_off)
        return;
    if (g->cut || control.unread_bytes + g->bytes > trace_unread_max) {
        control.cut_off = true;
        return;
    }
    control.unread_bytes += g->bytes;
    g->readers++;
    g->next_read = NULL;
    if (control.unread != NULL)
        control.unread_last->next_read = g;
    else
        control.unread = g;
    control.unread_last = g;
}

static void wake_reader(void)
{
    lock(&trace_control_lock);
    struct g *g = load_rlx(&control.reader);
    store_seq(&control.reader, NULL);
    unlock(&trace_control_lock);
    if (g != NULL)
        ready(g);
}

/* What has ended goes to whoever wants it. */
static void hand_out(struct gen *g)
{
    if (g == NULL)
        return;
    trace_seal(g);
    lock(&trace_control_lock);
    if (cas_seq(&trace_ending, (uint32_t)ENDING_SEALED, (uint32_t)ENDING_KEPT)) {
        g->readers = 1; /* ours */
        deliver(g);
        if (control.flight)
            flight_keep(g, g->ended_ns);
        gen_drop(g);
        store_seq(&trace_ending, (uint32_t)ENDING_NONE);
    } /* else crash.c looks at what is kept */
    unlock(&trace_control_lock);
    wake_reader();
}

static bool turn(enum turn how)
{
    struct gen *old;
    store_rlx(&control.full, 0u);
    bool done = trace_turn(how, &old);
    control.turned_ns =
        os_nanotime(); /* if there is no memory, it is tried again when the next is due */
    if (!done)
        return false;
    hand_out(old);
    return true;
}

/* A generation that begins now. Events may still be written for a trace that has ended by itself. */
static bool turn_on(void)
{
    return turn(probe_on(PROBE_TRACE) ? TURN_NEXT : TURN_START);
}

static int serve_start(void)
{
    if (load_rlx(&control.phase) != OFF)
        return EBUSY;
    if (!turn_on())
        return ENOMEM;
    lock(&trace_control_lock);
    store_rlx(&control.phase, (uint32_t)ON);
    control.header_read = false;
    control.cut_off = false;
    control.trace++;
    unlock(&trace_control_lock);
    wake_reader();
    return 0;
}

static int serve_stop(struct request *r)
{
    if (load_rlx(&control.phase) != ON)
        return ESRCH;
    bool whole = control.cut_off || turn(control.flight ? TURN_NEXT : TURN_STOP);
    lock(&trace_control_lock);
    if (!whole)
        control.cut_off = true;
    store_rlx(&control.phase, (uint32_t)DRAINING);
    r->trace = control.trace;
    unlock(&trace_control_lock);
    wake_reader();
    return 0;
}

static int serve_flight_start(void)
{
    if (control.flight)
        return EBUSY;
    if (!emitting() && !turn_on())
        return ENOMEM;
    control.flight = true;
    return 0;
}

static int serve_flight_stop(void)
{
    if (!control.flight)
        return 0;
    control.flight = false;
    if (!emitting() && probe_on(PROBE_TRACE))
        turn(TURN_STOP);
    lock(&trace_control_lock);
    flight_clear();
    unlock(&trace_control_lock);
    return 0;
}

static int serve_flight_now(void)
{
    if (!control.flight)
        return EINVAL;
    return turn(TURN_NEXT) ? 0 : ENOMEM;
}

static int serve(struct request *r)
{
    switch (r->op) {
    case OP_START:
        return serve_start();
    case OP_STOP:
        return serve_stop(r);
    case OP_FLIGHT_START:
        return serve_flight_start();
    case OP_FLIGHT_STOP:
        return serve_flight_stop();
    case OP_FLIGHT_NOW:
        return serve_flight_now();
    }
    return EINVAL;
}

static struct request *take_request(void)
{
    lock(&trace_control_lock);
    struct request *r = control.asked;
    if (r != NULL)
        control.asked = r->next;
    unlock(&trace_control_lock);
    return r;
}

/* A trace that nobody reads has ended: threads need not write events any more. */
static void turn_if_due(void)
{
    if (!probe_on(PROBE_TRACE) || load_rlx(&trace_dying) != 0)
        return;
    if (!emitting())
        turn(TURN_STOP);
    else if (load_rlx(&control.full) != 0 ||
             os_nanotime() - control.turned_ns >= TRACE_GENERATION_NS)
        turn(TURN_NEXT);
}

static void tracer_main(void *arg)
{
    (void)arg;
    for (;;) {
        if (!probe_on(PROBE_TRACE)) {
            note_sleep(&control.wake);
        } else {
            int64_t left = control.turned_ns + TRACE_GENERATION_NS - os_nanotime();
            if (left > 0)
                note_sleep_for(&control.wake, left);
        }
        note_clear(&control.wake);
        for (struct request *r; (r = take_request()) != NULL;) {
            struct g *g = r->g;
            r->result = serve(r);
            ready(g); /* r is on its stack */
            sub_seq(&control.busy, 1u);
        }
        turn_if_due();
    }
}

/* ---- what goroutines call */
static PARKS int ask(struct request *r) NO_TSA
{
    struct m *m = m_enter();
    r->g = m_curg(m);
    lock(&trace_control_lock);
    add_seq(&control.busy, 1u);
    struct request **at = &control.asked;
    while (*at != NULL)
        at = &(*at)->next;
    *at = r;
    if (cas_seq(&control.started, 0u, 1u) && sched_helper_start(tracer_main, NULL) != 0)
        throw("runtime: failed to create new OS thread");
    note_wake(&control.wake);
    park_unlock(&trace_control_lock, WAIT_TRACE);
    m_leave(self());
    return r->result;
}

PARKS int trace_control(enum control_op op)
{
    struct request r = {.op = op};
    return ask(&r);
}

bool trace_was_cut_off(void)
{
    struct m *m = m_enter();
    lock(&trace_control_lock);
    bool was = control.cut_off;
    unlock(&trace_control_lock);
    m_leave(m);
    return was;
}

gort_any gort_start_trace(void)
{
    static const char enabled[] = "runtime error: tracing is already enabled";
    static const char memory[] = "runtime error: cannot allocate memory for a trace";
    static const gort_string texts[] = {{enabled, sizeof enabled - 1}, {memory, sizeof memory - 1}};
    int err = trace_control(OP_START);
    return err == 0 ? (gort_any){NULL, NULL} : panic_runtime_error(&texts[err == ENOMEM]);
}

PARKS void trace_await_drained(uint64_t trace) NO_TSA
{
    struct m *m = m_enter();
    lock(&trace_control_lock);
    if (load_rlx(&control.phase) == DRAINING && control.trace == trace) {
        control.stopping = m_curg(m);
        park_unlock(&trace_control_lock, WAIT_SEMACQUIRE);
    } else {
        unlock(&trace_control_lock);
    }
    m_leave(self());
}

void gort_stop_trace(void)
{
    struct request r = {.op = OP_STOP};
    if (ask(&r) == 0)
        trace_await_drained(r.trace);
}

bool gort_trace_is_enabled(void)
{
    return load_rlx(&control.phase) == ON;
}

/* The next bytes, if there are some. What was given out before is the reader's no longer. */
static const struct piece *next_piece(void) REQUIRES(trace_control_lock)
{
    if (control.reading != NULL)
        control.piece = control.piece->next;
    while (control.reading == NULL || control.piece == NULL) {
        if (control.reading != NULL) {
            control.unread_bytes -= control.reading->bytes;
            gen_drop(control.reading);
        }
        control.reading = control.unread;
        if (control.reading == NULL)
            return NULL;
        control.unread = control.reading->next_read;
        control.piece = control.reading->first;
    }
    return control.piece;
}

enum found { BYTES, THE_END, NOTHING_YET };

static enum found look(const void **bytes, size_t *len) REQUIRES(trace_control_lock)
{
    const struct piece *p;
    *bytes = NULL;
    *len = 0;
    if (!control.header_read) {
        control.header_read = true;
        *bytes = TRACE_HEADER;
        *len = TRACE_HEADER_BYTES;
        return BYTES;
    }
    if ((p = next_piece()) != NULL) {
        *bytes = p->data;
        *len = p->len;
        return BYTES;
    }
    if (load_rlx(&control.phase) != DRAINING)
        return NOTHING_YET;
    store_rlx(&control.phase, (uint32_t)OFF);
    return THE_END;
}

const void *gort_read_trace(size_t *len) NO_TSA
{
    const void *bytes = NULL;
    struct g *stopper = NULL;
    struct m *m = m_enter();
    lock(&trace_control_lock);
    for (enum found f; (f = look(&bytes, len)) != BYTES;) {
        if (f == THE_END) {
            stopper = control.stopping;
            control.stopping = NULL;
            break;
        }
        if (load_rlx(&control.reader) != NULL) {
            print("runtime: ReadTrace called from multiple goroutines simultaneously\n");
            break;
        }
        store_seq(&control.reader, m_curg(m));
        park_unlock(&trace_control_lock, WAIT_TRACE);
        m = self();
        lock(&trace_control_lock);
    }
    unlock(&trace_control_lock);
    if (stopper != NULL)
        ready(stopper);
    m_leave(m);
    return bytes;
}
