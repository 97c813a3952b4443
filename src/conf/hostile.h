/* hostile.h: the limits of limits.h made tiny, to give bugs a chance. */
#ifndef CONF_HOSTILE_H
#define CONF_HOSTILE_H

#define RUNQ_CAP           4u
#define GLOBAL_CHUNK       2u
#define GLOBAL_EVERY_TICKS 3u
#define TIMER_EVERY_TICKS  1u
#define ID_BATCH           2u
#define STACK_REGION_BYTES (8ul * 1024 * 1024)
#define GFREE_CAP          1u
#define TIMER_FRESH_CAP    2u
#define TIMER_HEAP_MIN     1u
#define SELECT_STACK_CASES 2u

#endif
