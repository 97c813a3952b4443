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
