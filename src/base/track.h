/* track.h: tells the sanitizers and valgrind which stack a thread runs on.
 *
 * Everything here is empty in ordinary builds. A `fiber` is ThreadSanitizer's handle of one
 * goroutine (or of one thread's own stack); AddressSanitizer wants the bounds of the stack that is
 * about to run, and a place to keep its fake stack while the goroutine is away.
 */
#ifndef BASE_TRACK_H
#define BASE_TRACK_H

#include "base/attr.h"

#if defined(__SANITIZE_THREAD__)
#define TRACK_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TRACK_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define TRACK_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TRACK_ASAN 1
#endif
#endif

/* ---- ThreadSanitizer. A switch is a happening: what one goroutine did before it is seen by the next on
 * the same thread, as the runtime's own structs want it. */
#ifdef TRACK_TSAN
enum {
    TRACK_THREADS = 1, /* that the sanitizer adds to the process */
    TRACK_GUESSES =
        0, /* no look at what another thread may be writing, where the answer does not matter */
    TRACK_SIGNALS = 0, /* no handler may run while ThreadSanitizer is at work on the thread */
};
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
void __tsan_func_entry(void *pc);
void AnnotateIgnoreReadsBegin(const char *file, int line);
#define track_fiber_current()  __tsan_get_current_fiber()
#define track_fiber_create()   __tsan_create_fiber(0)
#define track_fiber_destroy(f) __tsan_destroy_fiber(f)
#define track_fiber_switch(f)  __tsan_switch_to_fiber((f), 0)
/* From here on the flow of control looks at what others own, without asking them: it prints the last report. */
#define track_only_looks() AnnotateIgnoreReadsBegin(__FILE__, __LINE__)
#else
enum { TRACK_THREADS = 0, TRACK_GUESSES = 1, TRACK_SIGNALS = 1 };
#define track_fiber_current()  ((void *)0)
#define track_fiber_create()   ((void *)0)
#define track_fiber_destroy(f) ((void)(f))
#define track_fiber_switch(f)  ((void)(f))
#define track_only_looks()     ((void)0)
#endif

/* The running flow of control is about to abandon frames and to go on in the one with frame pointer `fp`.
 * ThreadSanitizer's list of calls, 65536 long, would keep those abandoned: the flow gets a new fiber, with a
 * new list. It may be longer than what is left, never shorter. */
#ifdef TRACK_TSAN
static inline void track_unwound(void **fiber, uintptr_t fp, uintptr_t hi)
{
    enum { SPARE = 16 };
    unsigned n = SPARE;
    void *old = *fiber;
    while (fp != 0 && fp < hi) {
        uintptr_t next = *(const uintptr_t *)fp;
        n++;
        fp = next > fp ? next : 0;
    }
    *fiber = track_fiber_create();
    track_fiber_switch(*fiber);
    track_fiber_destroy(old);
    while (n-- > 0)
        __tsan_func_entry(__builtin_return_address(0));
}
#else
#define track_unwound(fiber, fp, hi) ((void)0)
#endif

/* ---- AddressSanitizer. Whoever leaves a stack says where it goes, and whoever arrives says so.
 *
 * track_leave        the next thing is a jump to the stack [lo, hi). *keep gets the running stack's fake
 *                    stack; keep NULL: the running stack is left for good
 * track_arrive       the first thing on a stack: what it kept, NULL the first time
 * track_dead_frames  the frames in [lo, hi) are no more
 */
#ifdef TRACK_ASAN
void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **old_bottom, size_t *old_size);
void __asan_unpoison_memory_region(const volatile void *addr, size_t size);
#define track_leave(keep, lo, hi)                                                                  \
    __sanitizer_start_switch_fiber((keep), (const void *)(lo), (hi) - (lo))
#define track_arrive(kept)        __sanitizer_finish_switch_fiber((kept), NULL, NULL)
#define track_dead_frames(lo, hi) __asan_unpoison_memory_region((const void *)(lo), (hi) - (lo))
#else
#define track_leave(keep, lo, hi) ((void)0)
#define track_arrive(kept)        ((void)0)
#define track_dead_frames(lo, hi) ((void)0)
#endif

#endif
