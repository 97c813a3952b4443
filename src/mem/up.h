/* up.h: what this room calls on higher floors.
 *
 * gc_sweep_span   gc/sweep.c: what dies with a span's dead slots (finalizers, weak pointers, profile
 *                 samples), clobbering, then span_turn, and pages_put if nothing is left: false.
 * gc_allocated    gc/assist.c: `bytes` were handed to a P's cache, or are a large object: the pacer
 *                 counts them, may start a cycle, and may make the running goroutine help marking
 *                 (later, at its next m_enter). Never parks.
 * sched_p_id      sched/p.c: which P the thread has, -1 for none: the page trace names it.
 * gc_sample_run   gc/watch.c: how many of n free slots a cache may have now; 1 if the first is to be
 *                 sampled for the memory profile.
 */
#ifndef MEM_UP_H
#define MEM_UP_H

#include "base/attr.h"

struct span;
struct cache;

bool gc_sweep_span(struct span *s);
void gc_allocated(size_t bytes);
int sched_p_id(void);
size_t gc_sample_run(struct cache *c, unsigned kind, unsigned class, size_t n);

#endif
