/* track.c: what the sanitizers and valgrind are told.
 *
 * Owns    the only references to their functions. They are weak: NULL in a program that was linked without
 *         the tool. Valgrind is asked by instructions that do nothing on a processor.
 * Holds   1. track_on has a tool's bit only if all functions that are called for it are there.
 *         2. Nothing here is called before track_init, or for a tool without its bit.
 * Locks   none of ours; the tools have their own. So does who calls: nothing here takes a lock of the
 *         runtime, and what is called inside the runtime reports nothing.
 *
 * ThreadSanitizer's interface for Java describes a heap that moves and collects; two of its functions are
 * what a collected heap needs: one forgets what was done to a range of memory, the other also forgets the
 * addresses in it that were released on.
 */
#include "base/track.h"

#include "base/fmt.h"

#if defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define HAVE_VALGRIND 1
#endif
#endif

#define WEAK __attribute__((weak))
void *__tsan_get_current_fiber(void) WEAK;
void *__tsan_create_fiber(unsigned flags) WEAK;
void __tsan_destroy_fiber(void *fiber) WEAK;
void __tsan_switch_to_fiber(void *fiber, unsigned flags) WEAK;
void __tsan_set_fiber_name(void *fiber, const char *name) WEAK;
void __tsan_func_entry(void *pc) WEAK;
void tsan_func_exit(void) __asm__("__tsan_func_exit") WEAK; /* gcc has its own idea of the type */
uintptr_t __tsan_testonly_shadow_stack_current_size(void) WEAK;
void __tsan_acquire(void *at) WEAK;
void __tsan_release(void *at) WEAK;
void __tsan_java_release_store(uintptr_t at) WEAK;
void __tsan_java_alloc(uintptr_t p, uintptr_t bytes) WEAK;
void __tsan_java_free(uintptr_t p, uintptr_t bytes) WEAK;
void __tsan_ignore_thread_begin(void) WEAK;
void __tsan_ignore_thread_end(void) WEAK;
void __tsan_read4_pc(void *p, void *pc) WEAK;
void __tsan_write4_pc(void *p, void *pc) WEAK;
void __tsan_read_range_pc(void *p, unsigned long bytes, void *pc) WEAK;
void __tsan_write_range_pc(void *p, unsigned long bytes, void *pc) WEAK;
void __sanitizer_start_switch_fiber(void **keep, const void *bottom, size_t bytes) WEAK;
void __sanitizer_finish_switch_fiber(void *kept, const void **bottom, size_t *bytes) WEAK;
void __asan_poison_memory_region(const volatile void *p, size_t bytes) WEAK;
void __asan_unpoison_memory_region(const volatile void *p, size_t bytes) WEAK;
void *__asan_get_current_fake_stack(void) WEAK;
void *__asan_addr_is_in_fake_stack(void *fake, void *addr, void **lo, void **hi) WEAK;
extern int __asan_option_detect_stack_use_after_return WEAK;
void __lsan_register_root_region(const void *p, size_t bytes) WEAK;

uint32_t track_on, track_not;

void track_init(void)
{
#ifndef TRACK_TSAN
    if (__tsan_switch_to_fiber != NULL && __tsan_java_alloc != NULL &&
        __tsan_testonly_shadow_stack_current_size != NULL && __tsan_write_range_pc != NULL)
        track_on |= TRACK_RACES;
#endif
    if (__asan_poison_memory_region != NULL && __sanitizer_start_switch_fiber != NULL)
        track_on |= TRACK_ADDRESS | TRACK_HEAP;
    if (track_is(TRACK_ADDRESS) && &__asan_option_detect_stack_use_after_return != NULL &&
        __asan_option_detect_stack_use_after_return != 0)
        track_on |= TRACK_FAKES;
    if (__lsan_register_root_region != NULL)
        track_on |= TRACK_LEAKS;
#ifdef HAVE_VALGRIND
    if (RUNNING_ON_VALGRIND)
        track_on |= TRACK_VALGRIND;
#endif
    track_on &= ~track_not;
}

/* ---- fibers */
#ifdef TRACK_TSAN
enum { SWITCH_FLAGS = 0 };
#else
enum { SWITCH_FLAGS = 1 }; /* __tsan_switch_to_fiber_no_sync */
#endif

void *track_fiber_current(void)
{
    return track_fibers() ? __tsan_get_current_fiber() : NULL;
}

/* The tool takes the creating call from its list, on which there are only functions that were compiled for
 * it: the go statement's own place is what pc says. */
void *track_fiber_create(uintptr_t pc)
{
    if (pc != 0)
        __tsan_func_entry((void *)pc);
    void *fiber = __tsan_create_fiber(0);
    if (pc != 0)
        tsan_func_exit();
    return fiber;
}

void track_fiber_name(void *fiber, uint64_t id)
{
    char name[40];
    struct out o;
    out_init_mem(&o, name, sizeof name - 1);
    if (id == 1) {
        out_str(&o, "main goroutine");
    } else {
        out_str(&o, "goroutine ");
        out_uint(&o, id);
    }
    name[o.len] = '\0';
    __tsan_set_fiber_name(fiber, name);
}

void track_fiber_destroy(void *fiber)
{
    __tsan_destroy_fiber(fiber);
}

void track_fiber_switch(void *fiber)
{
    __tsan_switch_to_fiber(fiber, SWITCH_FLAGS);
}

size_t track_calls(void)
{
    return __tsan_testonly_shadow_stack_current_size();
}

void track_calls_left(size_t n)
{
    for (size_t now = track_calls(); now > n; now--)
        tsan_func_exit();
}

#ifdef TRACK_TSAN
/* The tool's list of calls, 65536 long, would keep those abandoned: the flow gets a new fiber, with a new
 * list. It may be longer than what is left, never shorter. */
void track_unwound(void **fiber, uintptr_t fp, uintptr_t hi)
{
    enum { SPARE = 16 };
    unsigned n = SPARE;
    void *old = *fiber;
    while (fp != 0 && fp < hi) {
        uintptr_t next = *(const uintptr_t *)fp;
        n++;
        fp = next > fp ? next : 0;
    }
    *fiber = track_fiber_create(0);
    track_fiber_switch(*fiber);
    track_fiber_destroy(old);
    while (n-- > 0)
        __tsan_func_entry(__builtin_return_address(0));
}
#endif

/* ---- happens-before */
static void *plain(const volatile void *p)
{
    return (void *)(uintptr_t)p;
}

void track_acquire_it(const volatile void *at)
{
    __tsan_acquire(plain(at));
}

void track_release_it(const volatile void *at)
{
    __tsan_release(plain(at));
}

void track_release_only_it(const volatile void *at)
{
    __tsan_java_release_store((uintptr_t)at);
}

void track_acquire_as(void *fiber, const volatile void *at)
{
    void *own = __tsan_get_current_fiber();
    track_fiber_switch(fiber);
    __tsan_acquire(plain(at));
    track_fiber_switch(own);
}

void track_release_as(void *fiber, const volatile void *at)
{
    void *own = __tsan_get_current_fiber();
    track_fiber_switch(fiber);
    __tsan_release(plain(at));
    track_fiber_switch(own);
}

void track_access(const volatile void *p, size_t bytes, const void *pc, bool writes)
{
    if (p == NULL || bytes == 0)
        return;
    if (bytes == 4 && (uintptr_t)p % 4 == 0) /* of a range it would report each byte */
        (writes ? __tsan_write4_pc : __tsan_read4_pc)(plain(p), plain(pc));
    else if (writes)
        __tsan_write_range_pc(plain(p), bytes, plain(pc));
    else
        __tsan_read_range_pc(plain(p), bytes, plain(pc));
}

void *track_timer_begin(const void *timer)
{
    if (!track_is(TRACK_RACES))
        return NULL;
    void *keep = __tsan_get_current_fiber();
    track_fiber_switch(__tsan_create_fiber(0));
    __tsan_acquire(plain(timer));
    return keep;
}

void track_timer_end(void *keep)
{
    if (keep == NULL)
        return;
    void *own = __tsan_get_current_fiber();
    track_fiber_switch(keep);
    __tsan_destroy_fiber(own);
}

/* ---- memory */
static uintptr_t words_up(uintptr_t bytes)
{
    return (bytes + 7) & ~(uintptr_t)7;
}

void track_born_it(void *p, size_t bytes, size_t slot_bytes)
{
    uintptr_t at = (uintptr_t)p;
    if (track_is(TRACK_HEAP)) {
        __asan_unpoison_memory_region(p, bytes);
        __asan_poison_memory_region((char *)p + bytes, slot_bytes - bytes);
    }
    if (track_is(TRACK_RACES) && at % 8 == 0) {
        __tsan_java_free(at, words_up(slot_bytes));
        __tsan_java_alloc(at, words_up(bytes));
    }
}

void track_dead_it(uintptr_t p, size_t bytes)
{
    if (track_is(TRACK_HEAP))
        __asan_poison_memory_region((void *)p, bytes);
    if (track_is(TRACK_RACES))
        __tsan_java_free(p, bytes);
}

void track_raw_it(uintptr_t p, size_t bytes)
{
    __asan_unpoison_memory_region((void *)p, bytes);
}

static void forget(uintptr_t lo, uintptr_t hi)
{
    __tsan_java_free(lo, hi - lo);
    __tsan_java_alloc(lo, hi - lo);
    __tsan_java_free(lo, hi - lo);
}

void track_stack_it(uintptr_t lo, uintptr_t hi)
{
    forget(lo, hi & ~(uintptr_t)7); /* and what lies there is no object */
}

void track_locals(uintptr_t lo, uintptr_t hi, int *errno_p)
{
    enum { MANY = 16 * 1024 }; /* the tool's own, where it is linked statically */
    uintptr_t word = (uintptr_t)errno_p & ~(uintptr_t)7;
    forget(word, word + 8);
    if (lo < hi && hi - lo <= MANY)
        forget(lo, hi);
}

void track_slot_it(uintptr_t lo, uintptr_t hi)
{
#ifdef HAVE_VALGRIND
    if (track_is(TRACK_VALGRIND))
        (void)VALGRIND_STACK_REGISTER(lo, hi);
#endif
    if (track_is(TRACK_LEAKS))
        track_roots_it(lo, hi);
}

void track_has_value(void *p, size_t bytes)
{
#ifdef HAVE_VALGRIND
    (void)VALGRIND_MAKE_MEM_DEFINED(p, bytes);
#endif
    (void)p;
    (void)bytes;
}

void track_below_it(uintptr_t sp)
{
    enum { DEEP = 64 * 1024 };
#ifdef HAVE_VALGRIND
    (void)VALGRIND_MAKE_MEM_UNDEFINED(sp - DEEP, DEEP);
#endif
    (void)sp;
}

void track_roots_it(uintptr_t lo, uintptr_t hi)
{
    __lsan_register_root_region((const void *)lo, hi - lo);
}

void track_guesses_it(bool on)
{
    if (track_is(TRACK_RACES)) {
        (on ? __tsan_ignore_thread_begin : __tsan_ignore_thread_end)();
        return;
    }
#ifdef HAVE_VALGRIND
    if (on)
        VALGRIND_DISABLE_ERROR_REPORTING;
    else
        VALGRIND_ENABLE_ERROR_REPORTING;
#endif
}

/* ---- AddressSanitizer's stacks */
void track_leave_it(void **keep, uintptr_t lo, uintptr_t hi)
{
    __sanitizer_start_switch_fiber(keep, (const void *)lo, hi - lo);
}

void track_arrive_it(void *kept)
{
    __sanitizer_finish_switch_fiber(kept, NULL, NULL);
}

void track_dead_frames_it(uintptr_t lo, uintptr_t hi)
{
    if (track_is(TRACK_ADDRESS))
        __asan_unpoison_memory_region((const void *)lo, hi - lo);
#ifdef HAVE_VALGRIND
    if (track_is(TRACK_VALGRIND))
        (void)VALGRIND_MAKE_MEM_UNDEFINED(lo, hi - lo);
#endif
}

void *track_fake_stack(void)
{
    return track_is(TRACK_ADDRESS) ? __asan_get_current_fake_stack() : NULL;
}

bool track_fake_frame(void *kept, uintptr_t addr, uintptr_t *lo, uintptr_t *hi)
{
    void *from, *to;
    if (__asan_addr_is_in_fake_stack(kept, (void *)addr, &from, &to) == NULL)
        return false;
    *lo = (uintptr_t)from;
    *hi = (uintptr_t)to;
    return true;
}
