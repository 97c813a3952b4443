/* gort/panic.h: defer, panic, recover, Goexit and runtime errors.
 *
 * A GORT_SCOPE stands for the body of a Go function that defers. What gort_defer collects inside it
 * runs when it ends, last in first out, however it ends:
 *
 *     static void closing(void *f) { fclose(f); }
 *     static void catching(void *v)  { gort_recover(v); }
 *
 *     gort_any v = {0};
 *     GORT_SCOPE {
 *         gort_defer(catching, &v);
 *         gort_defer(closing, f);
 *         parse(f);                       may panic
 *     }
 *     if (v.type != NULL) ...             the panic ended here
 *
 * A panic runs the deferred functions of all scopes, the innermost first, on top of the stack of
 * the panicking function. If one of them recovers, the rest of its scope's functions run, and the
 * program goes on behind that scope.
 *
 * As with setjmp, a variable of the function around a GORT_SCOPE that is changed inside it and read
 * after a recovered panic must be volatile, or have its address taken by a call.
 *
 * gort_recover knows its caller by the return address. Functions that a deferred function calls in
 * tail position look like it; compile with -fno-optimize-sibling-calls where that matters.
 */
#ifndef GORT_PANIC_H
#define GORT_PANIC_H

#include <gort/any.h>

GORT_BEGIN_DECLS

/* ---- panic */

/* Stops what the goroutine does and runs its deferred functions: panic(v). If none of them
 * recovers, the program prints the panic, a traceback, and exits with status 2.
 *
 * Callers  any goroutine; not signal handlers.
 */
GORT_NORETURN GORT_API void gort_panic(gort_any v);

/* Panics with an error value whose text is made as by printf. */
GORT_NORETURN GORT_API void gort_panicf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Stops a panic: recover(). Only a function that gort_defer registered and that the panic is
 * running itself has this power, and once for each panic; a function that it calls has not.
 *
 * v        gets the value of the panic, or nil; NULL drops it.
 * Returns  true if a panic was stopped; it is over once the deferred function returns.
 */
#define gort_recover(v) gort_recover_from(__builtin_return_address(0), (v))

/* Calls fn(arg), and stops a panic that leaves it; its deferred functions have run then.
 *
 * v        gets the value of the panic, or nil; NULL drops it.
 * Returns  true if fn panicked. Goexit passes through.
 */
GORT_API bool gort_try(void (*fn)(void *), void *arg, gort_any *v);

/* Runs all deferred functions of the goroutine and ends it: runtime.Goexit. gort_recover finds
 * nothing in them. Ending goroutine 1 so lets the program run on without it. */
GORT_NORETURN GORT_API void gort_goexit(void);

/* ---- defer */

/* Runs fn(arg) when the innermost GORT_SCOPE that the goroutine is in ends; outside any, when the
 * goroutine ends. The last deferred runs first. Scopes of calling functions count: a function
 * without a GORT_SCOPE of its own defers to its caller's.
 *
 * Callers  any goroutine. The first few in a scope allocate nothing.
 */
GORT_API void gort_defer(void (*fn)(void *), void *arg);

/* A statement whose end runs what gort_defer collected in it. It is left by falling off its end, by
 * break, continue, return or goto, and by a panic that one of its deferred functions stops; then
 * the program goes on behind it. */
#define GORT_SCOPE GORT_SCOPE_(GORT_PASTE_(gort_scope_, __COUNTER__))

/* ---- checks that C does not make */

/* Checks an index: a[gort_index(i, len)].
 *
 * Returns  i, if 0 <= i < len.
 * Fails    by the panic "index out of range [i] with length len".
 */
static inline size_t gort_index(int64_t i, size_t len);

/* ---- how the macros do it */
enum { GORT_SCOPE_INLINE = 4 };

struct gort_deferred {
    void (*fn)(void *);
    void *arg;
};

/* Lives on the stack of the function with the GORT_SCOPE. */
struct gort_scope {
    uintptr_t place[26];      /* where the function stands: a struct context */
    struct gort_scope *outer; /* the next scope of the goroutine */
    struct gort_deferred inlined[GORT_SCOPE_INLINE]; /* the first to be deferred */
    struct gort_deferred_chunk *more;                /* the rest, on the collected heap */
    uint32_t ninlined;
    bool root; /* the goroutine's own */
};

/* Enters a scope: makes it the goroutine's innermost and returns it. */
GORT_API struct gort_scope *gort_scope_enter(struct gort_scope *s);
/* Keeps the caller's place: returns 0, and 1 when a stopped panic comes back. */
GORT_API int gort_scope_save(struct gort_scope *s) __attribute__((returns_twice));
/* Runs what is left to run, and leaves the scope. */
GORT_API void gort_scope_leave(struct gort_scope *s);
/* returns_twice only keeps the compiler from inlining its caller: a function that recovers must
 * have a frame and a return address of its own. */
GORT_API bool gort_recover_from(const void *ret, gort_any *v) __attribute__((returns_twice));
GORT_NORETURN GORT_API void gort_panic_index(int64_t i, size_t len);

static inline size_t gort_index(int64_t i, size_t len)
{
    if (__builtin_expect((uint64_t)i >= len || i < 0, 0))
        gort_panic_index(i, len);
    return (size_t)i;
}

#define GORT_PASTE2_(a, b) a##b
#define GORT_PASTE_(a, b)  GORT_PASTE2_(a, b)
#define GORT_SCOPE_(s)                                                                             \
    for (struct gort_scope s __attribute__((cleanup(gort_scope_leave))),                           \
         *GORT_PASTE_(s, _once) = gort_scope_enter(&s);                                            \
         GORT_PASTE_(s, _once) != NULL && gort_scope_save(&s) == 0; GORT_PASTE_(s, _once) = NULL)

GORT_END_DECLS

#endif
