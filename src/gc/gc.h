/* gc.h: the collected heap, as the rest of the house sees it.
 *
 * Objects are zeroed, never move, are found again by any pointer into them, and live while something
 * points to them. The functions here are called inside the runtime and, unless they say PARKS, never
 * park.
 */
#ifndef GC_GC_H
#define GC_GC_H

#include "base/attr.h"
#include "mem/mem.h"

#include <gort/mem.h>

struct gort_type;
struct timehist; /* base/timehist.h */

/* ---- alloc.c: an object is born. Dies with `out of memory` when there is none. */
/* kind is OBJ_NOSCAN or OBJ_CONSERVATIVE. */
void *gc_alloc(size_t bytes, enum obj_kind kind);
/* n objects of type t in a row; gc_array_bytes was asked before. Without pointers in t: OBJ_NOSCAN.
 */
void *gc_alloc_type(const struct gort_type *t, size_t n);
/* Size of n objects of `bytes` each. False: more than the address space. */
bool gc_array_bytes(size_t bytes, size_t n, size_t *total);

/* ---- cycle.c */
/* After conf_init, before the first goroutine: reads GOGC and GOMEMLIMIT, chooses the way. */
void gc_init(void);
/* A whole cycle, and its sweep, begun after the call: runtime.GC. */
PARKS void gc_collect(void);
/* The monitor looks in: starts a cycle after two minutes without one. */
void gc_tick(int64_t now_ns);
/* Between the first and the last stop of a cycle? Changes only while the world is stopped. */
bool gc_marking(void);
/* Bytes at which the running cycle is to end, or the next one. */
uint64_t gc_goal(void);

/* ---- leaks.c */
struct gc_leaks {
    const uint64_t *id; /* [n], sorted: goroutines that nobody can wake */
    size_t n;
};
/* By a whole cycle. 0, and gc_drop_leaks is to follow; or -errno. One caller at a time, outside. */
PARKS int gc_find_leaks(struct gc_leaks *found);
void gc_drop_leaks(void);
bool gc_is_leaked(const struct gc_leaks *l, uint64_t id);

/* ---- special.c */
/* Called for each object with a SPECIAL_SAMPLE when it is freed: the record, and its bytes. Set by
 * prof before the first such special; called by sweepers, which hold no lock. */
extern void (*gc_sample_freed)(void *record, size_t bytes);

/* ---- sweep.c: mem/up.h's gc_sweep_span */
/* ---- assist.c: sched/up.h's gc_assist, mem/up.h's gc_allocated */

/* ---- roots.c: memory that the program names as holding pointers */
/* Calls fn for each range; under the table's lock. */
void roots_each(void (*fn)(void *lo, size_t bytes, void *arg), void *arg);

/* ---- stats.c */
/* Flushes all caches and fills in every field. */
STW void gc_read_stats(gort_mem_stats *st);

/* The heap while it is in use. For the owner of a P. */
struct gc_heap {
    struct mem_usage usage;  /* `taken` counts what was handed out, to the last object */
    uint64_t freed[CLASSES]; /* objects, per class; [0] large ones */
    uint64_t allocated_bytes, freed_bytes;
    uint64_t allocated_objects, freed_objects; /* a block of tiny objects is one */
    uint64_t stack_bytes;
};
/* Holds   freed <= taken, in each class; freed_bytes <= allocated_bytes; what is alive fits into
 *         usage.heap_inuse; each count of objects and bytes only grows from one call to the next. */
void gc_read_heap(struct gc_heap *h);
/* Completed cycles, and those of them that gort_gc asked for. */
void gc_read_cycles(uint64_t *all, uint64_t *forced);
uint64_t gc_heap_goal(void); /* bytes: MemStats.next_gc */

/* ---- cpu.c: CPU time, in nanoseconds, since the start of the program */
enum cpu_use {
    CPU_ASSIST,    /* goroutines that help marking */
    CPU_DEDICATED, /* the collector's threads, of the program's share */
    CPU_IDLE,      /* the same, while a P was idle */
    CPU_PAUSE,     /* all Ps, while the world stood still for the collector */
    CPU_SCAVENGE_ASSIST,
    CPU_SCAVENGE_BACKGROUND,
    CPU_USES
};
struct gc_cpu {
    int64_t ns[CPU_USES];
    int64_t user_ns, idle_ns; /* the rest of what GOMAXPROCS Ps had */
};
/* The caller is inside. */
void gc_cpu_read(struct gc_cpu *cpu);
/* Each stop for the collector. */
extern struct timehist gc_pause_times;

/* ---- limiter.c */
/* The cycle in which the limiter began to limit, the last time; 0: never. */
uint32_t gc_limiter_last(void);

/* ---- cgocheck.c: GODEBUG=cgocheck */
/* May this word of the object be a pointer, as far as its kind and type tell? */
bool gc_word_may_point(const struct object *o, size_t word);
/* What a foreign call may be given: panics if `arg` is an object that holds pointers to others. Outside
 * the runtime. */
void gc_check_cgo_arg(const void *arg);

/* ---- watch.c */
/* Reports of dying objects come without names: the world is stopped by somebody who sweeps. */
STW void watch_without_names(bool on);

#endif
