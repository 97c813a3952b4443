/* track.h: tells the sanitizers and valgrind what they cannot see: which stack a thread runs on, what
 * happens before what, which memory holds an object.
 *
 * The library is not compiled for any of them. What they export is looked up when the program starts
 * (track_init): a program that was linked with -fsanitize=thread or address has it, others do not. In
 * these, `track_on` is 0, and what is here costs a test of it, on roads that are not the fastest.
 *
 * One kind of build differs: `make tsan` compiles the library itself with -fsanitize=thread, to find its
 * own races. Then a switch counts as a happening, as the runtime's structs want it, and nothing is said
 * about the program's (docs/internals/sanitizers.md).
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

enum track_tool {
    TRACK_RACES = 1,    /* ThreadSanitizer is there: the program is looked at, not we */
    TRACK_ADDRESS = 2,  /* AddressSanitizer */
    TRACK_VALGRIND = 4, /* the program runs under valgrind */
    TRACK_LEAKS = 8,    /* LeakSanitizer, mostly as a part of AddressSanitizer */
    TRACK_FINALS = 16,  /* with TRACK_RACES: finalizers may run */
    /* With TRACK_ADDRESS: frames lie elsewhere, to be kept after their function's return; what is no
     * object is poisoned. */
    TRACK_FAKES = 32,
    TRACK_HEAP = 64,
};
extern uint32_t track_on; /* const after track_init, but for TRACK_FINALS */
/* What track_init is to leave out: white-box tests look at slots without objects. */
extern uint32_t track_not;
/* What of enum track_tool is in this process. Before there are threads. */
void track_init(void);

static inline bool track_is(unsigned tools)
{
    return unlikely((track_on & tools) != 0);
}

/* ---- ThreadSanitizer: a fiber is its handle of one goroutine, or of one thread's own stack */
#ifdef TRACK_TSAN
enum {
    TRACK_GUESSES = 0
}; /* no look at what another thread may be writing, where the answer does not matter */
static inline bool track_fibers(void)
{
    return true;
}
void AnnotateIgnoreReadsBegin(const char *file, int line);
/* From here on the flow of control looks at what others own, without asking them: it prints the last
 * report. */
#define track_only_looks() AnnotateIgnoreReadsBegin(__FILE__, __LINE__)
#else
enum { TRACK_GUESSES = 1 };
static inline bool track_fibers(void)
{
    return track_is(TRACK_RACES);
}
#define track_only_looks() ((void)0)
#endif
/* Are signals to stay away? No handler may run while ThreadSanitizer is at work on the thread; and valgrind
 * forgets what lies below the stack pointer when a goroutine that is stopped in a handler goes on. */
static inline bool track_no_signals(void)
{
    return track_fibers() || track_is(TRACK_VALGRIND);
}
/* Threads that the tool adds to the process. */
static inline int track_threads(void)
{
    return track_fibers() ? 1 : 0;
}

void *track_fiber_current(void);
/* A goroutine's, created by the running flow of control at `pc` (0: no statement of the program). */
void *track_fiber_create(uintptr_t pc);
void track_fiber_name(void *fiber, uint64_t id);
void track_fiber_destroy(void *fiber);
void track_fiber_switch(void *fiber);
/* The calls that the tool has on its list for the running fiber. */
size_t track_calls(void);
/* The running flow of control has abandoned frames: back to so many calls. */
void track_calls_left(size_t n);
#ifdef TRACK_TSAN
/* The same without knowing how many: the frame it goes on in has frame pointer `fp`. */
void track_unwound(void **fiber, uintptr_t fp, uintptr_t hi);
#endif

/* ---- happens-before. A release on an address happens before each later acquire on it.
 *
 * track_release      adds what the running flow of control has done and knows
 * track_release_only the same, and forgets what others released
 * track_*_as         on behalf of a flow of control that does not run on any thread
 */
void track_acquire_it(const volatile void *at);
void track_release_it(const volatile void *at);
void track_release_only_it(const volatile void *at);
static inline void track_acquire(const volatile void *at)
{
    if (track_is(TRACK_RACES))
        track_acquire_it(at);
}
static inline void track_release(const volatile void *at)
{
    if (track_is(TRACK_RACES))
        track_release_it(at);
}
static inline void track_release_only(const volatile void *at)
{
    if (track_is(TRACK_RACES))
        track_release_only_it(at);
}
void track_acquire_as(void *fiber, const volatile void *at);
void track_release_as(void *fiber, const volatile void *at);

/* ---- what the runtime does with the program's memory in its name. The caller is a public function, outside
 * the runtime: a race is reported right there, with names and lines. */
void track_access(const volatile void *p, size_t bytes, const void *pc, bool writes);
#define track_reads(p, bytes)                                                                      \
    do {                                                                                           \
        if (track_is(TRACK_RACES))                                                                 \
            track_access((p), (bytes), __builtin_return_address(0), false);                        \
    } while (0)
#define track_writes(p, bytes)                                                                     \
    do {                                                                                           \
        if (track_is(TRACK_RACES))                                                                 \
            track_access((p), (bytes), __builtin_return_address(0), true);                         \
    } while (0)

/* Before a timer's callback, and after it: the callback acts for nobody but who armed the timer. */
void *track_timer_begin(const void *timer);
void track_timer_end(void *keep);

/* Thread-locals of the program, and errno, pass from one goroutine to the next on the same thread: what was
 * done to them is forgotten. */
void track_locals(uintptr_t lo, uintptr_t hi, int *errno_p);

/* ---- memory
 *
 * track_born         [p, p + bytes) is an object, the rest of its slot is not
 * track_dead         the slot holds no object
 * track_raw          the runtime is about to write to slots without objects
 * track_stack        a stack is about to be used by a new goroutine
 */
void track_born_it(void *p, size_t bytes, size_t slot_bytes);
void track_dead_it(uintptr_t p, size_t bytes);
void track_raw_it(uintptr_t p, size_t bytes);
void track_stack_it(uintptr_t lo, uintptr_t hi);
void track_slot_it(uintptr_t lo, uintptr_t hi);
enum { TRACK_MEMORY = TRACK_RACES | TRACK_HEAP };
static inline void track_dead(uintptr_t p, size_t bytes)
{
    if (track_is(TRACK_MEMORY))
        track_dead_it(p, bytes);
}
static inline void track_raw(uintptr_t p, size_t bytes)
{
    if (track_is(TRACK_HEAP))
        track_raw_it(p, bytes);
}
static inline void track_stack(uintptr_t lo, uintptr_t hi)
{
    if (track_is(TRACK_RACES))
        track_stack_it(lo, hi);
}
/* Once for each slot that stacks are made of. */
static inline void track_slot(uintptr_t lo, uintptr_t hi)
{
    if (track_is(TRACK_VALGRIND | TRACK_LEAKS))
        track_slot_it(lo, hi);
}
/* Valgrind: [p, p + bytes) has values, whatever was copied there. */
void track_has_value(void *p, size_t bytes);
/* Valgrind: what runs next uses the stack below `sp`, where nothing was before. */
void track_below_it(uintptr_t sp);
static inline void track_below(uintptr_t sp)
{
    if (track_is(TRACK_VALGRIND))
        track_below_it(sp);
}
/* Memory of the program's objects, once: where LeakSanitizer looks for pointers. */
void track_roots_it(uintptr_t lo, uintptr_t hi);
static inline void track_roots(uintptr_t lo, uintptr_t hi)
{
    if (track_is(TRACK_LEAKS))
        track_roots_it(lo, hi);
}
/* Valgrind: from now on this thread reads words of which nobody knows what they are, and is not to be told
 * so; or no more. ThreadSanitizer: it is in a library of others, which knows nothing of goroutines, on the
 * runtime's behalf. No park in between. */
void track_guesses_it(bool on);
static inline void track_guesses(bool on)
{
    if (track_is(TRACK_VALGRIND | TRACK_RACES))
        track_guesses_it(on);
}

/* ---- AddressSanitizer's stacks. Whoever leaves a stack says where it goes, and whoever arrives says so.
 *
 * track_leave        the next thing is a jump to the stack [lo, hi). *keep gets the running stack's fake
 *                    stack; keep NULL: the running stack is left for good
 * track_arrive       the first thing on a stack: what it kept, NULL the first time
 * track_dead_frames  the frames in [lo, hi) are no more
 */
void track_leave_it(void **keep, uintptr_t lo, uintptr_t hi);
void track_arrive_it(void *kept);
void track_dead_frames_it(uintptr_t lo, uintptr_t hi);
static inline void track_leave(void **keep, uintptr_t lo, uintptr_t hi)
{
    if (track_is(TRACK_ADDRESS))
        track_leave_it(keep, lo, hi);
}
static inline void track_arrive(void *kept)
{
    if (track_is(TRACK_ADDRESS))
        track_arrive_it(kept);
}
static inline void track_dead_frames(uintptr_t lo, uintptr_t hi)
{
    if (track_is(TRACK_ADDRESS | TRACK_VALGRIND))
        track_dead_frames_it(lo, hi);
}
/* The fake stack in use on this thread, or NULL; and the fake frame of `kept` that holds `addr`: false if
 * none does. */
void *track_fake_stack(void);
bool track_fake_frame(void *kept, uintptr_t addr, uintptr_t *lo, uintptr_t *hi);

#endif
