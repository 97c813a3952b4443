/* hostile.h: the limits of limits.h made tiny, to give bugs a chance. */
#ifndef CONF_HOSTILE_H
#define CONF_HOSTILE_H

#define RUNQ_CAP            4u
#define GLOBAL_CHUNK        2u
#define GLOBAL_EVERY_TICKS  3u
#define TIMER_EVERY_TICKS   1u
#define ID_BATCH            2u
#define SYMB_ANSWERS_MAX    16u
#define STACK_REGION_BYTES  (8ul * 1024 * 1024)
#define GFREE_CAP           1u
#define TIMER_FRESH_CAP     2u
#define TIMER_HEAP_MIN      1u
#define SELECT_STACK_CASES  2u
#define GC_PAGES_FEW        1u
#define HEAP_HUGE_BYTES     (8ul * 1024 * 1024)
#define SCAVENGE_STEP_BYTES 8192ul
#define GC_EVERY_REFILLS    8u
#define ROOTS_TRACK_BYTES   (128ul * 1024)
#define ROOTS_PIECE_BYTES   (64ul * 1024)
#define ROOTS_BATCH         2
#define DIRTY_CHUNK_BYTES   (1024ul * 1024)
#define DIRTY_RUNS          2
#define CPU_RING_SLOTS      4u
#define TRACE_BUFFER_BYTES  512u
#define TRACE_BUFFERS_MAX   16384u
#define TRACE_TURN_BUFFERS  64u
#define TRACE_GENERATION_NS 20000000ll
#define TRACE_STACK_SLOTS   64u

#endif
