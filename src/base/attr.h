/* attr.h: annotations and the few compiler words the house uses.
 *
 * PARKS     may park the goroutine: no lock is held on entry (checked by park() in debug builds).
 * SYSSTACK  runs on the thread's own stack.
 * SIGSAFE   may run in a signal handler: takes no lock, allocates nothing, keeps errno.
 * NOALLOC   allocates nothing.
 * REQUIRES, ACQUIRES, RELEASES, EXCLUDES are checked by clang's -Wthread-safety.
 */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARKS
#define SYSSTACK
#define SIGSAFE
#define NOALLOC
#define STW

#ifndef GORT_API
#define GORT_API __attribute__((visibility("default")))
#endif
#define NORETURN __attribute__((noreturn))
#define NOINLINE __attribute__((noinline))
/* For functions that look at their own frame: no part of them is split off, either. */
#if defined(__clang__)
#define FRAME_OF_ITS_OWN __attribute__((noinline))
#else
#define FRAME_OF_ITS_OWN __attribute__((noinline, noclone))
#endif
#define COLD       __attribute__((cold, noinline))
#define UNUSED     __attribute__((unused))
#define ALIGNED(n) __attribute__((aligned(n)))

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define ARRAY_LEN(a)                    (sizeof(a) / sizeof((a)[0]))

#if defined(__clang__)
#define TSA(x) __attribute__((x))
#else
#define TSA(x)
#endif
#define CAPABILITY(name)   TSA(capability(name))
#define REQUIRES(l)        TSA(requires_capability(l))
#define ACQUIRES(l)        TSA(acquire_capability(l))
#define RELEASES(l)        TSA(release_capability(l))
#define TRY_ACQUIRES(v, l) TSA(try_acquire_capability(v, l))
#define EXCLUDES(l)        TSA(locks_excluded(l))
#define NO_TSA             TSA(no_thread_safety_analysis)

/* Keeps the compiler from moving memory accesses over this line; no instruction. It orders a thread
 * only against signal handlers on the same thread, and against a peer that calls os_membarrier. */
#define compiler_barrier() __asm__ volatile("" ::: "memory")

#endif
