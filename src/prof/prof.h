/* prof.h: what the runtime remembers of its program: profiles.
 *
 * The rooms that are watched reach this one through their up.h.
 */
#ifndef PROF_PROF_H
#define PROF_PROF_H

#include "base/attr.h"

/* ---- heap.c: who allocated what */
/* Before there are threads: reads GODEBUG=memprofilerate. */
void prof_init(void);
/* An object of `bytes` was sampled; what is to be said when it is freed. */
void *prof_heap_born(size_t bytes, const uintptr_t *pcs, size_t n);
void prof_heap_freed(void *bucket, size_t bytes);
/* Marking has ended: what is born and freed from now on belongs to the next cycle. */
STW void prof_heap_cycle(void);
/* Some time after prof_heap_cycle, the world runs: the profile moves on. */
void prof_heap_publish(void);
/* All is swept: what the last cycle freed is to be seen at once (runtime.GC). */
void prof_heap_publish_swept(void);
/* Calls fn for each bucket, the newest first, with what is published; under the profile's lock. */
typedef void (*prof_heap_fn)(const void *bucket, size_t bytes, const uintptr_t *pcs, size_t n,
                             uint64_t allocs, uint64_t frees, void *arg);
void prof_heap_each(prof_heap_fn fn, void *arg);

/* ---- cpu.c, cpu_sample.c: who uses CPU time */
struct m;
struct g;
void prof_thread_begins(struct m *m);
void prof_thread_ends(struct m *m);
SIGSAFE bool prof_thread_has_timer(struct m *m);
/* gort_run returns: no more samples. */
void prof_cpu_end(void);

#endif
