/* gort/prof.h: profiles as records: package runtime's MemProfile, BlockProfile, MutexProfile,
 * GoroutineProfile, ThreadCreateProfile and SetCPUProfileRate. <gort/pprof.h> writes them to files.
 *
 * Go's runtime.MemProfile. One allocation in about gort_mem_profile_rate bytes is remembered with the
 * stack that made it, and followed until it is collected. Numbers are those of the samples; a reader
 * that wants estimates of the whole multiplies each record, whose objects have `size` bytes on average,
 * by 1 / (1 - exp(-size / rate)).
 */
#ifndef GORT_PROF_H
#define GORT_PROF_H

#include <gort/base.h>

GORT_BEGIN_DECLS

/* Average bytes between two samples; 1: every object is one, 0 or less: none is. 512 KiB at the start,
 * or what GODEBUG=memprofilerate says. Change it once, as early as possible: a reader knows only one
 * rate. A change takes effect as processors run out of the free slots they hold, 8 KiB or an object of
 * each size. Objects that share a block of 16 bytes are sampled as that block. */
GORT_API extern int gort_mem_profile_rate;

/* All sampled objects of one size that one stack allocated. */
typedef struct {
    int64_t alloc_bytes, free_bytes;
    int64_t alloc_objects, free_objects;
    uintptr_t stack0[32]; /* return addresses, the allocating function's first; 0 behind the last */
} gort_mem_profile_record;

/* Copies the profile into p[0, len), the newest record first. It shows the heap as of the end of the
 * last collection but one, so that objects which nobody could have collected yet do not look like
 * leaks; after gort_gc() as of then; before the first collection, as of now. Go: runtime.MemProfile.
 *
 * inuse_zero  also records whose objects are all freed.
 * n           set to the number of records there are.
 * Returns     false, with nothing copied, if there are more than len.
 * Callers     any goroutine.
 */
GORT_API bool gort_mem_profile(gort_mem_profile_record *p, int len, bool inuse_zero, int *n);

/* Bytes and objects not freed. */
GORT_API int64_t gort_mem_profile_record_inuse_bytes(const gort_mem_profile_record *r);
GORT_API int64_t gort_mem_profile_record_inuse_objects(const gort_mem_profile_record *r);
/* The stack, and its length. */
GORT_API const uintptr_t *gort_mem_profile_record_stack(const gort_mem_profile_record *r, int *n);

/* Where goroutines waited, or kept others waiting. Go: runtime.BlockProfileRecord. */
typedef struct {
    int64_t count;  /* of events; what was not sampled is estimated; 1 at least */
    int64_t cycles; /* of the processor's counter; gort_pprof_write says them in nanoseconds */
    uintptr_t stack0[32];
} gort_block_profile_record;

/* One goroutine's stack, or that which made a thread. Go: runtime.StackRecord. */
typedef struct {
    uintptr_t stack0[32];
} gort_stack_record;
GORT_API const uintptr_t *gort_stack_record_stack(const gort_stack_record *r, int *n);

/* Each fills p[0, len) and returns true, or copies nothing and returns false if there are more records than
 * `len`; *n is set to the number there are. Go: runtime.BlockProfile, MutexProfile, GoroutineProfile,
 * ThreadCreateProfile. Any goroutine. */
GORT_API bool gort_block_profile(gort_block_profile_record *p, int len, int *n);
GORT_API bool gort_mutex_profile(gort_block_profile_record *p, int len, int *n);
/* The caller is the first; all others are stopped for a moment, those too that are in a call which nobody
 * announced: what the kernel does not restart answers EINTR, as when the collector stops them. The stacks are of
 * that moment, though most are looked at later. A stack begins with the public function that the goroutine
 * waits in. */
GORT_API bool gort_goroutine_profile(gort_stack_record *p, int len, int *n);
/* Looks for leaked goroutines: those that wait in a channel, a select or a lock which nobody but they and
 * others like them can reach, so that nothing will ever wake them. Go: the goroutineleak profile of go1.26.
 *
 * A goroutine counts as leaked only if what it waits for is an object of the collected heap (all channels are),
 * or nothing at all (a nil channel, a select without cases). Words left over on stacks may hide a leak. Wrong
 * is the answer only where the collector would be, too: where the program keeps the address of a channel in
 * memory that it has not named with gort_add_roots.
 *
 * Runs a collection and a second marking, in a child process where that is possible, and waits (parks) for
 * both. From then on tracebacks say `[chan receive (leaked)]` of these. They are not ended.
 * Returns  how many there are, or -1 with errno: ENOMEM.
 * Callers  any goroutine. gort_pprof_write("goroutineleak", ...) writes their stacks.
 */
GORT_API int gort_goroutine_leaks(void);
/* A record of each thread that the runtime knows; those that no goroutine asked for have no stack. */
GORT_API bool gort_thread_create_profile(gort_stack_record *p, int len, int *n);

/* Samples one wait for each `rate` nanoseconds that goroutines wait for channels and locks (not for time or
 * input); 1: every wait; 0 or less: none. Longer ones are always taken; shorter ones now and then, for all of
 * their kind. Go: runtime.SetBlockProfileRate. */
GORT_API void gort_set_block_profile_rate(int rate);
/* Samples one in `rate` unlocks that somebody waited for, with how long, and multiplies it; 0: none; negative: only asks. Returns what it was.
 * Go: runtime.SetMutexProfileFraction. */
GORT_API int gort_set_mutex_profile_fraction(int rate);
/* Takes `hz` samples of each second of CPU time, at most 1,000,000; 0 or less stops. Without
 * gort_pprof_start_cpu_profile they go into an execution trace only; a profile that is started later has this
 * rate. Go: runtime.SetCPUProfileRate.
 *
 * Fails    by a message, and nothing changes: while samples are taken, or a profile is not yet written,
 *          `runtime: cannot set cpu profile rate until previous profile has finished.`; and where
 *          gort_pprof_start_cpu_profile fails.
 * Callers  any goroutine.
 */
GORT_API void gort_set_cpu_profile_rate(int hz);

GORT_END_DECLS

#endif
