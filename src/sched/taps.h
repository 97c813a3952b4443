/* taps.h: where the scheduler can be watched: one inline function for each moment.
 *
 * A tap is a probe for tools outside (USDT) and, behind one test of base/probe.h's word, a call into the
 * execution tracer. Each says when it is called, which is part of what the tracer relies on
 * (docs/internals/tracer.md). `here`: on the running goroutine's own stack, its thread holding a P.
 */
#ifndef SCHED_TAPS_H
#define SCHED_TAPS_H

#include "base/probe.h"
#include "base/usdt.h"
#include "sched/sched.h"
#include "sched/up.h"

/* ---- goroutines */
/* g is complete, and nobody but the caller knows it yet. Here, or on the stack of a thread with a P. */
void go_create_watched(struct g *g);
static inline void tap_go_create(struct g *g)
{
    USDT(go_create, g->id, g->parent_id, g->start.fn);
    if (probe_on(PROBE_TRACE | PROBE_SHOT))
        go_create_watched(g);
}
/* Before the switch to g, which no thread had until now; the thread has a P. */
void go_switch_watched(struct m *m, struct g *g);
static inline void tap_go_switch(struct m *m, struct g *g)
{
    USDT(go_start, g->id);
    if (probe_on(PROBE_TRACE | PROBE_SHOT))
        go_switch_watched(m, g);
}
/* After g's thread, which slept with it, got a P. */
static inline void tap_go_start(struct m *m, struct g *g)
{
    USDT(go_start, g->id);
    if (probe_on(PROBE_TRACE))
        trace_go_start(m, g);
}
/* Here, before anybody can find g to wake it. */
static inline void tap_go_block(struct m *m, struct g *g, enum wait_reason why)
{
    USDT(go_block, g->id, (int)why);
    if (probe_on(PROBE_TRACE))
        trace_go_block(m, g, why);
}
/* It was about to wait and must not: it is runnable again. On the same thread, which may be elsewhere. */
static inline void tap_go_refused(struct g *g)
{
    USDT(go_unblock, g->id);
    if (probe_on(PROBE_TRACE))
        trace_go_unblock(g);
}
/* g was made runnable, by the caller and nobody else; it is in no queue yet. Anywhere with a P. */
static inline void tap_go_unblock(struct g *g)
{
    USDT(go_unblock, g->id);
    if (probe_on(PROBE_TRACE))
        trace_go_unblock(g);
}
/* As tap_go_unblock, on a thread without a P: the read-modify-write orders it against the tracer's start,
 * which sets the flag and then looks at g->status. */
static inline void tap_go_unblock_far(struct g *g)
{
    USDT(go_unblock, g->id);
    if (or_seq(&probes, 0u) & PROBE_TRACE)
        trace_go_unblock(g);
}
enum stop_reason { STOP_GOSCHED, STOP_PREEMPTED };
/* Here, before g is queued: it gives way. g->sigctx is set if that is in a signal handler. */
static inline void tap_go_stop(struct m *m, struct g *g, enum stop_reason why)
{
    USDT(go_stop, g->id, (int)why);
    if (probe_on(PROBE_TRACE))
        trace_go_stop(m, g, why);
}
/* Here, for the last time. */
static inline void tap_go_end(struct m *m, struct g *g)
{
    USDT(go_end, g->id);
    if (probe_on(PROBE_TRACE))
        trace_go_end(m, g);
}
/* g, which somebody's thread is from now on, is findable; the thread has no P. */
static inline void tap_thread_attach(struct m *m, struct g *g)
{
    USDT(go_create, g->id, 0, 0);
    if (or_seq(&probes, 0u) & PROBE_TRACE)
        trace_thread_attach(m, g);
}
/* The thread of `m` is no longer this one. It has no P. */
static inline void tap_thread_end(struct m *m)
{
    USDT(thread_end, m->tid);
    if (m->trace != NULL)
        trace_thread_end(m);
}

/* ---- calls. The begin is a test in arch/.../call.S, which calls sched_trace_call. */
/* Inside, with a P. */
static inline void tap_syscall_begin(struct m *m)
{
    if (probe_on(PROBE_TRACE))
        trace_syscall_begin(m);
}
/* Inside, with the P that the thread had all the time, or a new one. */
static inline void tap_syscall_end(struct m *m)
{
    if (probe_on(PROBE_TRACE))
        trace_syscall_end(m);
}
/* Its P was taken meanwhile; it has got one, which it does not hold yet. Inside. tap_proc_start follows,
 * then tap_go_start. */
static inline void tap_syscall_lost(struct m *m, struct g *g)
{
    if (probe_on(PROBE_TRACE))
        trace_syscall_lost(m, g);
}
/* The same, and it has none: it was made runnable, and is in no queue yet. */
static inline void tap_syscall_lost_far(struct m *m, struct g *g)
{
    if (or_seq(&probes, 0u) & PROBE_TRACE)
        trace_syscall_lost(m, g);
}

/* ---- processors */
/* m holds p from now on. */
static inline void tap_proc_start(struct m *m, struct p *p)
{
    USDT(proc_start, p->id);
    if (probe_on(PROBE_TRACE))
        trace_proc_start(m, p);
}
/* m still holds p, for the last moment. */
static inline void tap_proc_stop(struct m *m, struct p *p)
{
    USDT(proc_stop, p->id);
    if (probe_on(PROBE_TRACE))
        trace_proc_stop(m, p);
}
/* p is taken from `from`, which is outside the runtime, or waits at its entry until this is decided. */
static inline void tap_proc_steal(struct p *p, struct m *from)
{
    USDT(proc_steal, p->id, from->tid);
    if (probe_on(PROBE_TRACE))
        trace_proc_steal(p, from);
}
/* There are n, the world is stopped by the running goroutine. */
static inline void tap_procs_changed(uint32_t n)
{
    USDT(procs_changed, n);
    if (probe_on(PROBE_TRACE))
        trace_procs_changed(n);
}

/* ---- the world */
/* The caller is the one who stops it: a goroutine that has just become that, or a helper without a P that
 * has stopped it. */
static inline void tap_stw_begin(enum stw_kind kind)
{
    USDT(stw_begin, (int)kind);
    if (probe_on(PROBE_TRACE))
        trace_stw_begin(kind);
}
/* It is still stopped. */
static inline void tap_stw_end(void)
{
    USDT(stw_end);
    if (probe_on(PROBE_TRACE))
        trace_stw_end();
}

#endif
