/* up.h: what this room calls on higher floors.
 *
 * panic_plain, panic_runtime   panic/errors.c: a length that no memory can have is the program's
 *                              fault, and recoverable.
 * panic_string                 panic/errors.c: misuse that Go answers with a panic.
 * throw_on_thread_stack        panic/throw.c: what Go finds wrong on the thread's own stack.
 * prof_heap_born               prof/heap.c: an object was sampled; what SPECIAL_SAMPLE is to hold.
 * prof_heap_cycle, prof_heap_publish, prof_heap_publish_swept
 *                              prof/heap.c: marking has ended; the world runs again; all is swept.
 * chan_of_case                 chan/select.c: leaks.c looks at what a select waits for.
 * trace_*                      trace/emit.c: what gc/taps.h says happens, for execution traces.
 */
#ifndef GC_UP_H
#define GC_UP_H

#include "base/attr.h"

/* Of a select that waits (g->param), the channel of case i; false: it has no such case. */
bool chan_of_case(const void *select, unsigned i, const void **chan);
void trace_gc_begin(void);
void trace_gc_end(void);
void trace_assist_begin(void);
void trace_assist_end(void);
void trace_sweep_begin(void);
void trace_sweep_end(uint64_t swept_bytes, uint64_t freed_bytes);
void trace_heap_alloc(uint64_t live_bytes);
void trace_heap_goal(uint64_t goal_bytes);
NORETURN void panic_plain(const char *text);
NORETURN void panic_runtime(const char *text);
NORETURN void panic_string(const char *text);
NORETURN COLD void throw_on_thread_stack(const char *text);
void *prof_heap_born(size_t bytes, const uintptr_t *pcs, size_t n);
void prof_heap_cycle(void);
void prof_heap_publish(void);
void prof_heap_publish_swept(void);

#endif
