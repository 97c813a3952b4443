/* limits.h: every size and threshold, in one place; hostile.h makes them tiny. */
#ifndef CONF_LIMITS_H
#define CONF_LIMITS_H

#ifdef GORT_HOSTILE
#include "conf/hostile.h"
#endif

#define KIB 1024ul
#define MIB (1024ul * 1024)
#define GIB (1024ul * 1024 * 1024)

/* ---- sched */
#ifndef RUNQ_CAP
#define RUNQ_CAP 1024u /* a power of two */
#endif
#ifndef GLOBAL_CHUNK
#define GLOBAL_CHUNK 510u /* goroutines in one piece of the global queue: a page */
#endif
#ifndef GLOBAL_EVERY_TICKS
#define GLOBAL_EVERY_TICKS 61u /* look at the global queue first, once in so many */
#endif
#ifndef TIMER_EVERY_TICKS
#define TIMER_EVERY_TICKS 8u /* and at the clock, when a timer is pending */
#endif
#ifndef ID_BATCH
#define ID_BATCH 16u /* goroutine ids a P takes at once */
#endif
#define SLICE_NS            (10 * 1000000ll)
#define MONITOR_MIN_NS      (20 * 1000ll)
#define MONITOR_MAX_NS      (2500 * 1000ll) /* while a P runs */
#define MONITOR_IDLE_ROUNDS 50
#define ASLEEP_LOOK_NS      (1000 * 1000ll) /* a CPU clock that stands still so long: asleep */
#define SYSCALL_LOOK_NS     (20 * 1000ll)
#define SAMPLE_NS           (20 * 1000ll) /* of a P, between two measured waits */
#define POLL_EVERY_NS       (10 * 1000000ll)
#define MAX_THREADS_DEFAULT 10000
#define SIGNAL_STACK_BYTES  (64 * KIB)
#define EXIT_GRACE_NS       (20 * 1000000ll)

/* ---- stack */
#define STACK_BYTES_DEFAULT (256 * KIB)
#define STACK_BYTES_MIN     (32 * KIB)
#define STACK_BYTES_MAX     (64 * GIB)
#define STACK_GUARD_BYTES   (16 * KIB)
#define STACK_BYTES_MAIN    (64 * MIB) /* goroutine 1, or RLIMIT_STACK when that is larger */
#define STACK_COLOURS       16u        /* tops differ by as many cache lines */
#ifndef STACK_REGION_BYTES
#define STACK_REGION_BYTES (1 * GIB)
#endif
#ifndef GFREE_CAP
#define GFREE_CAP 256u /* dead goroutines a P keeps */
#endif

/* ---- symb */
#ifndef SYMB_ANSWERS_MAX
#define SYMB_ANSWERS_MAX (128u * 1024) /* pcs whose meaning is kept */
#endif

/* ---- timer */
#ifndef TIMER_FRESH_CAP
#define TIMER_FRESH_CAP 256u /* newcomers that are not in the heap yet */
#endif
#ifndef TIMER_HEAP_MIN
#define TIMER_HEAP_MIN 256u /* first size of a heap; doubled from there */
#endif

/* ---- chan */
#ifndef SELECT_STACK_CASES
#define SELECT_STACK_CASES 16u /* a select with more waiters keeps them on the heap */
#endif
#define SELECT_MAX_CASES    65536
#define CHAN_ELEM_MAX_BYTES 65535u
#define CHAN_MAX_BYTES      (1ul << 48) /* Go's address space */

/* ---- mem */
#ifndef HEAP_HUGE_BYTES
#define HEAP_HUGE_BYTES (4 * GIB) /* a larger heap asks for huge pages: mem/pages.c */
#endif
#ifndef SCAVENGE_STEP_BYTES
#define SCAVENGE_STEP_BYTES (64 * KIB) /* least that is given back at a time */
#endif
#define SCAVENGE_PIECE_BYTES (4 * MIB)       /* most that is missing from the heap meanwhile */
#define SCAVENGE_WORK_NS     (1000 * 1000ll) /* in the background, then a pause */
#define SCAVENGE_PAUSE_TIMES 99              /* as long: 1% of a CPU */

/* ---- gc */
#ifndef GC_PAGES_FEW
#define GC_PAGES_FEW 128u /* written pages that the last stop may have to look at */
#endif
#define GC_ROUNDS_MAX 8
#ifndef GC_SLICE_PAGES
#define GC_SLICE_PAGES 1024u /* with more, the program is slowed down */
#endif
#define GC_SLICE_ROUNDS  16
#define GC_SLICE_STOP_NS 1000000
#define GC_SLICE_RUN_NS  1000000
#define GC_SLICE_WORK    (16 * KIB)
#define GC_BRIEF_BYTES   (1 * MIB) /* to be looked at in one stop */
#define GC_BRIEF_STACKS  256u
#ifndef GC_BRIEF_NS
#define GC_BRIEF_NS 300000 /* the stop goes over to marking beside the program after so long */
#endif
#ifndef GC_STACKS_MANY
#define GC_STACKS_MANY 16384u
#endif
#ifndef ROOTS_TRACK_BYTES
#define ROOTS_TRACK_BYTES (1 * MIB) /* larger roots are looked at page by page in the last stop */
#endif
#ifndef ROOTS_PIECE_BYTES
#define ROOTS_PIECE_BYTES (512 * KIB) /* scanned at a time; a multiple of any page */
#endif
#ifndef ROOTS_BATCH
#define ROOTS_BATCH 32 /* ranges that a marking thread takes from the table at once */
#endif
#ifndef DIRTY_CHUNK_BYTES
#define DIRTY_CHUNK_BYTES (8 * MIB) /* of heap and stacks, asked of the kernel at once */
#endif
#ifndef DIRTY_RUNS
#define DIRTY_RUNS 256 /* runs of written pages that the kernel says at once */
#endif
#define GC_FORCE_NS (120 * INT64_C(1000000000)) /* a cycle at least so often */

#ifndef GC_EVERY_REFILLS
#define GC_EVERY_REFILLS 0u /* a cycle whenever caches were filled so often; 0: as the pacer says */
#endif
#define GC_HEAP_MIN        (4 * MIB)  /* with GOGC=100 */
#define GC_ASSIST_BYTES    (64 * KIB) /* of marking, in one piece */
#define GC_LIMITER_LOOK_NS (10 * 1000000ll)

/* ---- prof */
#ifndef CPU_RING_SLOTS
#define CPU_RING_SLOTS 1024u /* samples between handlers and counts; a power of two */
#endif
#define CPU_LOOK_NS      (20 * 1000000ll) /* threads that are to be sampled are looked at so often */
#define CPU_LOOK_EACH_NS (100 * 1000ll)   /* and so much later for each of them */

/* ---- trace */
#ifndef TRACE_BUFFER_BYTES
#define TRACE_BUFFER_BYTES 65000u /* of events, in one batch */
#endif
#ifndef TRACE_TURN_BUFFERS
#define TRACE_TURN_BUFFERS 64u /* filled in one generation: it is ended early */
#endif
#ifndef TRACE_GENERATION_NS
#define TRACE_GENERATION_NS INT64_C(1000000000)
#endif
#ifndef TRACE_STACK_SLOTS
#define TRACE_STACK_SLOTS 65536u /* different stacks in one generation; a power of two */
#endif
#ifndef TRACE_BUFFERS_MAX
#define TRACE_BUFFERS_MAX 2048u /* in use at once, of 64 KiB */
#endif
#define TRACE_UNREAD_MAX (256 * MIB) /* complete generations that nobody has read: the trace ends */

/* ---- dump */
#define TRACE_FRAMES 100

#endif
