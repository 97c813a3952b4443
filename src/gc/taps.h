/* taps.h: where the collector can be watched; sched/taps.h says how. */
#ifndef GC_TAPS_H
#define GC_TAPS_H

#include "base/probe.h"
#include "base/usdt.h"
#include "gc/up.h"

/* World stopped by the leader, gc.phase has just changed. */
static inline void tap_gc_begin(void)
{
    USDT(gc_begin);
    if (probe_on(PROBE_TRACE))
        trace_gc_begin();
}
static inline void tap_gc_end(void)
{
    USDT(gc_end);
    if (probe_on(PROBE_TRACE))
        trace_gc_end();
}
/* On the stack of a goroutine that marks what it owes; it may park between the two. */
static inline void tap_assist_begin(void)
{
    USDT(assist_begin);
    if (probe_on(PROBE_TRACE))
        trace_assist_begin();
}
static inline void tap_assist_end(void)
{
    USDT(assist_end);
    if (probe_on(PROBE_TRACE))
        trace_assist_end();
}
/* By anybody, around the sweep of one span; threads without a P are not told of. */
static inline void tap_sweep_begin(void)
{
    USDT(sweep_begin);
    if (probe_on(PROBE_TRACE))
        trace_sweep_begin();
}
static inline void tap_sweep_end(uint64_t swept_bytes, uint64_t freed_bytes)
{
    USDT(sweep_end, swept_bytes, freed_bytes);
    if (probe_on(PROBE_TRACE))
        trace_sweep_end(swept_bytes, freed_bytes);
}
/* A cache took a span: so much is counted as alive now. */
static inline void tap_heap_alloc(uint64_t live_bytes)
{
    USDT(heap_alloc, live_bytes);
    if (probe_on(PROBE_TRACE))
        trace_heap_alloc(live_bytes);
}
/* The next collection ends at about so much. */
static inline void tap_heap_goal(uint64_t goal_bytes)
{
    USDT(heap_goal, goal_bytes);
    if (probe_on(PROBE_TRACE))
        trace_heap_goal(goal_bytes);
}

#endif
