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

#ifdef TRACK_TSAN
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned flags);
#define track_fiber_current()   __tsan_get_current_fiber()
#define track_fiber_create()    __tsan_create_fiber(0)
#define track_fiber_destroy(f)  __tsan_destroy_fiber(f)
#define track_fiber_switch(f)   __tsan_switch_to_fiber((f), 0)
#else
#define track_fiber_current()   ((void *)0)
#define track_fiber_create()    ((void *)0)
#define track_fiber_destroy(f)  ((void)(f))
#define track_fiber_switch(f)   ((void)(f))
#endif

#ifdef TRACK_ASAN
void __sanitizer_start_switch_fiber(void **fake_stack_save, const void *bottom, size_t size);
void __sanitizer_finish_switch_fiber(void *fake_stack, const void **old_bottom, size_t *old_size);
void __asan_unpoison_memory_region(const volatile void *addr, size_t size);
#define track_switch_begin(save, lo, n) __sanitizer_start_switch_fiber((save), (lo), (n))
#define track_switch_end(saved)         __sanitizer_finish_switch_fiber((saved), 0, 0)
#define track_unpoison(p, n)            __asan_unpoison_memory_region((p), (n))
#else
#define track_switch_begin(save, lo, n) ((void)0)
#define track_switch_end(saved)         ((void)0)
#define track_unpoison(p, n)            ((void)0)
#endif

#endif
