/* panic.h: how a goroutine's work is undone: deferred functions, panics, Goexit, Go's error texts.
 *
 * What panics runs user code, so everything here that ends in a panic is called outside the runtime
 * (after m_leave) and with no lock held. Called inside, it is a throw with the same text.
 */
#ifndef PANIC_PANIC_H
#define PANIC_PANIC_H

#include "base/attr.h"
#include "sched/sched.h"

#include <gort/panic.h>

struct out;

enum { SCOPE_CALLS = 25 }; /* in gort_scope.place, behind the context: track_calls */

/* One panic, or one Goexit, on the stack of the function that started it. */
struct panicking {
    struct panicking *older;
    gort_any value;
    const char *text;         /* of a value with Error or String, made before the report */
    struct gort_scope *scope; /* whose deferred function it is running; NULL between two */
    const void *site;         /* return address of the deferred functions that it calls */
    bool is_exit;             /* Goexit */
    bool recovered;
    bool aborted;         /* a newer panic or Goexit went past it: it never runs again */
    size_t calls;         /* with `place`: track_calls */
    struct context place; /* is_exit: where to go on after a recovered panic went past it */
};

/* ---- defer.c */
static inline struct gort_scope *scope_innermost(const struct g *g)
{
    return (struct gort_scope *)(void *)g->scope;
}
static inline void scope_set_innermost(struct g *g, struct gort_scope *s)
{
    g->scope = (struct scope *)(void *)s;
}
/* Takes the function that was deferred last. False: none is left. */
bool scope_take(struct gort_scope *s, struct gort_deferred *d);
/* Calls a deferred function; not as a panic does, so that it cannot recover. */
void defer_call(const struct gort_deferred *d);
/* The running goroutine, outside the runtime; dies where there is none. `what` is for the report.
 */
struct g *panic_self(const char *what);

/* ---- panic.c */
/* Runs what gort_defer left outside any scope, when the goroutine's function has returned. */
void panic_goroutine_end(struct g *g);
/* Prints the lines `panic: ...` of g, oldest panic first, and the line about the signal behind the
 * newest. */
void panic_print_chain(struct out *o, const struct g *g);
/* Prints `[signal SIGSEGV: ...]` if a fault is being handled on g. */
void panic_print_signal(struct out *o, const struct g *g);
/* The same for goroutine 1, whose end ends the program: gives other goroutines that are panicking a
 * little time, and never returns if the program is dying of one. */
PARKS void panic_main_end(void);

/* ---- errors.c */
/* runtime.plainError: `text` as it is, and a runtime.Error. */
NORETURN COLD void panic_plain(const char *text);
/* "runtime error: " + text. */
NORETURN COLD void panic_runtime(const char *text);
/* The value of a runtime.Error; `text` begins with "runtime error: " and lives for ever. */
gort_any panic_runtime_error(const gort_string *text);
/* A plain string: panic("..."). */
NORETURN COLD void panic_string(const char *text);
/* The four texts of a failed type assertion: have NULL: nil operand; missing not NULL: the method
 * that `have` lacks; iface NULL: only the wanted interface is known. */
NORETURN COLD void panic_type_assert(const gort_type *iface, const gort_type *have,
                                     const gort_type *want, const char *missing);
/* A bound that is wrong. Of x and y, `x` is the one that is out of range. */
enum bounds {
    BOUNDS_INDEX,         /* s[x], y = len */
    BOUNDS_SLICE_LEN,     /* s[?:x], y = len of a string or array */
    BOUNDS_SLICE_CAP,     /* s[?:x], y = cap */
    BOUNDS_SLICE,         /* s[x:y], x > y */
    BOUNDS_SLICE3_LEN,    /* s[::x], y = len of an array */
    BOUNDS_SLICE3_CAP,    /* s[::x], y = cap */
    BOUNDS_SLICE3_MIDDLE, /* s[:x:y], x > y */
    BOUNDS_SLICE3_LOW,    /* s[x:y:], x > y */
    BOUNDS_CONVERT,       /* slice of length x to an array of length y */
};
enum bounds_sign { BOUNDS_SIGNED, BOUNDS_UNSIGNED };
NORETURN COLD void panic_bounds(enum bounds what, int64_t x, enum bounds_sign sign, int64_t y);
NORETURN COLD void panic_nil(void);
/* What the fault described by g->fault becomes, on g's own stack. */
NORETURN void panic_fault(struct g *g);

#endif
