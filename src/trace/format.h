/* format.h: the bytes of an execution trace, Go's second format, as of `go 1.23 trace`.
 *
 *   file        header, then generations, each complete in itself
 *   generation  batches: one with the clock's frequency; events, of one thread each; samples; stacks; strings
 *   batch       01  generation  thread  time  size(3 bytes)  body
 *   event       type  time since the one before  arguments
 *   stacks      02, then 03 id n n*(pc function file line) each
 *   strings     04, then 05 id length bytes each
 *   samples     06, then 07 time thread processor goroutine stack each
 *   frequency   08 units-per-second
 *
 * All numbers are LEB128. Why this version: docs/decisions/0013-trace-generations.md.
 */
#ifndef TRACE_FORMAT_H
#define TRACE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define TRACE_HEADER       "go 1.23 trace\0\0"
#define TRACE_HEADER_BYTES 16

enum {
    UNIT_SHIFT = 6, /* a unit of time is 64 ns */
    UNITS_PER_SECOND = 15625000,
    BATCH_BYTES_MAX = 65536, /* of a body */
    STACK_FRAMES_MAX = 128,
    STRING_BYTES_MAX = 1024,
    HEAD_BYTES_MAX = 1 + 3 * 10 + 3,
    EVENT_BYTES_MAX = 64, /* type, time and up to five arguments */
};
#define NOBODY UINT64_MAX /* no thread, no processor */

enum event {
    EV_BATCH = 1,
    EV_STACKS = 2,
    EV_STACK = 3,
    EV_STRINGS = 4,
    EV_STRING = 5,
    EV_SAMPLES = 6,
    EV_SAMPLE = 7,
    EV_FREQUENCY = 8,
    EV_PROCS_CHANGE = 9,
    EV_PROC_START = 10,
    EV_PROC_STOP = 11,
    EV_PROC_STEAL = 12,
    EV_PROC_STATUS = 13,
    EV_GO_CREATE = 14,
    EV_GO_CREATE_SYSCALL = 15,
    EV_GO_START = 16,
    EV_GO_DESTROY = 17,
    EV_GO_DESTROY_SYSCALL = 18,
    EV_GO_STOP = 19,
    EV_GO_BLOCK = 20,
    EV_GO_UNBLOCK = 21,
    EV_GO_SYSCALL_BEGIN = 22,
    EV_GO_SYSCALL_END = 23,
    EV_GO_SYSCALL_END_BLOCKED = 24,
    EV_GO_STATUS = 25,
    EV_STW_BEGIN = 26,
    EV_STW_END = 27,
    EV_GC_ACTIVE = 28,
    EV_GC_BEGIN = 29,
    EV_GC_END = 30,
    EV_SWEEP_ACTIVE = 31,
    EV_SWEEP_BEGIN = 32,
    EV_SWEEP_END = 33,
    EV_ASSIST_ACTIVE = 34,
    EV_ASSIST_BEGIN = 35,
    EV_ASSIST_END = 36,
    EV_HEAP_ALLOC = 37,
    EV_HEAP_GOAL = 38,
    EV_GO_LABEL = 39,
    EV_TASK_BEGIN = 40,
    EV_TASK_END = 41,
    EV_REGION_BEGIN = 42,
    EV_REGION_END = 43,
    EV_LOG = 44,
    EV_GO_STATUS_STACK = 48,
};

enum go_state { GO_NONE = 0, GO_RUNNABLE = 1, GO_RUNNING = 2, GO_SYSCALL = 3, GO_WAITING = 4 };
enum proc_state { PROC_RUNNING = 1, PROC_IDLE = 2 };

static inline uint8_t *put_number(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

/* In exactly three bytes: up to 2^21 - 1. */
static inline void put_size(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v | 0x80);
    p[1] = (uint8_t)(v >> 7 | 0x80);
    p[2] = (uint8_t)(v >> 14 & 0x7f);
}

#endif
