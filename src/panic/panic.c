/* panic.c: panic, recover, Goexit.
 *
 * Owns    struct panicking: g->panics is the newest, `older` the one in whose deferred function it
 *         was started. Each lies on the stack of gort_panic or gort_goexit.
 * Holds   1. The newest panic is the only one that runs deferred functions; each older one waits for the
 *            deferred function it called, of the scope `scope`.
 *         2. A panic that goes on with the scope of an older one aborts it: nobody will return there.
 *         3. Scopes inside a deferred function are inner to the scope whose function that is.
 * Locks   none: all is the goroutine's own.
 *
 *   gort_panic --> running -- gort_recover, and the function returns --> behind its scope
 *                   |  ^ |
 *    a newer panic  |  | +--- no scope is left --> preprint, report_fatal_panic
 *                   v  |
 *                waiting -- the newer one goes on with `scope` --> aborted
 *
 * Instead of unwinding frame by frame with the C++ tables: a scope keeps its place as setjmp does,
 * so C code without tables can be left, and a panic costs nothing for the frames between.
 */
#include "panic/panic.h"
#include "panic/report.h"

#include "base/fmt.h"
#include "base/track.h"
#include "gc/gc.h"
#include "lang/any.h"

#include <signal.h>

static au32 running; /* panics that run deferred functions, in the whole program */
static au32 dying;   /* one of them found nobody to stop it */

/* ---- recover */

bool gort_recover_from(const void *ret, gort_any *v)
{
    struct panicking *p = panic_self("gort_recover on system stack")->panics;
    bool stops = p != NULL && !p->is_exit && !p->recovered && p->scope != NULL && p->site == ret;
    if (v != NULL)
        *v = stops ? p->value : (gort_any){NULL, NULL};
    if (stops)
        p->recovered = true;
    return stops;
}

/* The only place from which a panic calls deferred functions: what returns here may recover. */
static NOINLINE void call_from_panic(void (*fn)(void *), void *arg)
{
    fn(arg);
    compiler_barrier();
}
/* Through a pointer that the compiler does not know, so that there is one copy of the call. */
static void (*volatile const call)(void (*)(void *), void *) = call_from_panic;

static NOINLINE void learn_site(void *arg)
{
    *(const void **)arg = __builtin_return_address(0);
}

/* ---- running deferred functions */

/* Whoever waits for a function of this scope will not be returned to. */
static void abort_older(const struct panicking *p, const struct gort_scope *s)
{
    for (struct panicking *q = p->older; q != NULL; q = q->older) {
        if (q->scope == s)
            q->aborted = true;
        else if (!q->aborted)
            return;
    }
}

/* Not looked at by AddressSanitizer, also where the library is compiled for it: this frame is left for good, and
 * nobody would clean it. */
#define NEVER_CLEANED __attribute__((noinline, no_sanitize("address")))

static NORETURN NEVER_CLEANED void go_on_at(struct g *g, const struct context *c, size_t calls)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    sched_unwound_to(c->sp);
#ifdef TRACK_TSAN
    if (!g->foreign)
        track_unwound(&g->fiber, c->fp, g->stack.hi);
#endif
    if (track_is(TRACK_RACES))
        track_calls_left(calls);
    if (c->sp - g->stack.lo < g->stack.hi - g->stack.lo &&
        here - g->stack.lo >= c->sp - g->stack.lo) {
        track_leave(NULL, g->stack.lo, g->stack.hi); /* from the stack of a foreign call */
        track_arrive(NULL);
        here = g->stack.lo;
    }
    track_dead_frames(here, c->sp);
    /* By a pointer that says nothing of not returning: AddressSanitizer would look at the stack we
     * have just said goodbye to. */
    void (*volatile jump)(const struct context *) = arch_jump;
    jump(c);
    __builtin_unreachable();
}

/* The goroutine's own function is over, as if it had returned. */
static NORETURN void finish(struct g *g)
{
    if (g->foreign)
        throw("recovered outside any GORT_SCOPE on a thread that the program made");
    if (g->id == 1) {
        panic_main_end();
        sched_exit_main(0);
    }
    panic_goroutine_end(g);
    g_end();
}

/* Goes on behind scope `s`, one of whose functions stopped the newest panic. */
static NORETURN void recovered(struct g *g, struct gort_scope *s)
{
    g->panics = g->panics->older;
    sub_seq(&running, 1u);
    struct panicking *p;
    while ((p = g->panics) != NULL && p->aborted) {
        if (p->is_exit) /* cannot be cancelled */
            go_on_at(g, &p->place, p->calls);
        sub_seq(&running, 1u);
        g->panics = p->older;
    }
    if (g->panics == NULL)
        g->fault.sig = 0;
    if (s->root)
        finish(g);
    go_on_at(g, (const struct context *)(const void *)s->place, s->place[SCOPE_CALLS]);
}

/* Runs all deferred functions of the goroutine, until one recovers. */
static void run_deferred(struct g *g, struct panicking *p)
{
    struct gort_scope *s;
    call(learn_site, &p->site);
    while ((s = scope_innermost(g)) != NULL) {
        struct gort_deferred d;
        abort_older(p, s);
        if (!scope_take(s, &d)) {
            scope_set_innermost(g, s->outer);
            continue;
        }
        p->scope = s;
        call(d.fn, d.arg);
        p->scope = NULL;
        if (p->recovered)
            recovered(g, s);
    }
}

void panic_goroutine_end(struct g *g)
{
    struct gort_scope *s;
    while ((s = scope_innermost(g)) != NULL) {
        struct gort_deferred d;
        if (!s->root)
            throw("a goroutine ended inside a GORT_SCOPE");
        if (scope_take(s, &d))
            defer_call(&d);
        else
            scope_set_innermost(g, NULL);
    }
}

void panic_main_end(void)
{
    enum { YIELDS = 1000 };
    panic_goroutine_end(g_self());
    for (int i = 0; i < YIELDS && load_rlx(&running) != 0 && load_acq(&dying) == 0; i++) {
        m_enter();
        yield();
        m_leave(self());
    }
    if (load_acq(&dying) == 0) /* pairs with gort_panic */
        return;
    m_enter();
    park_forever(WAIT_PANIC);
}

/* ---- the end of an uncaught panic */

static void fill_in_text(void *arg)
{
    struct panicking *p = arg;
    p->text = gort_error_string(p->value);
}

/* Error() or String() panicked: what it panicked with is all that is reported. */
static NORETURN void died_printing(gort_any v)
{
    struct out o;
    size_t cap = 128 + (v.type == &gort_type_gort_string ? ((const gort_string *)v.data)->len
                                                         : v.type->string->len);
    m_enter();
    char *mem = gc_alloc(cap, OBJ_NOSCAN);
    m_leave(self());
    out_init_mem(&o, mem, cap - 1);
    out_str(&o, "panic while printing panic value: ");
    if (v.type == &gort_type_gort_string) {
        any_print(&o, v);
    } else {
        out_str(&o, "type ");
        type_print_name(&o, v.type);
    }
    mem[o.len] = '\0';
    throw(mem);
}

/* Asks the values for their texts while goroutines still run, the newest first. */
static void preprint(struct panicking *newest)
{
    for (struct panicking *p = newest; p != NULL; p = p->older) {
        gort_any v;
        if (p->is_exit || p->value.type == NULL)
            continue;
        if (gort_try(fill_in_text, p, &v) && v.type != NULL)
            died_printing(v);
    }
}

/* ---- public */

void gort_panic(gort_any v)
{
    struct g *g = panic_self("panic on system stack");
    if (load_rlx(&self()->locks) != 0)
        throw("panic inside the runtime");
    struct panicking p = {.older = g->panics, .value = v};
    g->panics = &p;
    add_seq(&running, 1u);
    run_deferred(g, &p);
    preprint(&p);
    store_rel(&dying, 1u); /* pairs with panic_main_end */
    report_fatal_panic(g);
}

void gort_goexit(void)
{
    struct g *g = panic_self("gort_goexit on system stack");
    struct panicking p = {.older = g->panics, .is_exit = true};
    g->panics = &p;
    g->exiting = true;
    p.calls = track_is(TRACK_RACES) ? track_calls() : 0;
    arch_save(&p.place); /* comes back when a panic that had gone past was stopped further out */
    g = g_self();
    p.aborted = false;
    p.scope = NULL;
    run_deferred(g, &p);
    for (const struct panicking *q = p.older; q != NULL; q = q->older)
        if (!q->is_exit)
            sub_seq(&running, 1u);
    g->panics = NULL;
    g->fault.sig = 0;
    g_end();
}

struct attempt {
    gort_any value;
    bool panicked;
};

static void attempt_catch(void *arg)
{
    struct attempt *a = arg;
    a->panicked = gort_recover(&a->value);
}

bool gort_try(void (*fn)(void *), void *arg, gort_any *v)
{
    struct attempt a = {{NULL, NULL}, false};
    GORT_SCOPE
    {
        gort_defer(attempt_catch, &a);
        fn(arg);
    }
    if (v != NULL)
        *v = a.value;
    return a.panicked;
}

/* ---- printing */

static const struct panicking *nth_oldest(const struct g *g, size_t n)
{
    size_t count = 0;
    const struct panicking *p;
    for (p = g->panics; p != NULL; p = p->older)
        count++;
    if (n >= count)
        return NULL;
    for (p = g->panics; n + 1 < count; n++)
        p = p->older;
    return p;
}

static void print_one(struct out *o, const struct panicking *p)
{
    if (p->older != NULL && !p->older->is_exit)
        out_char(o, '\t');
    out_str(o, "panic: ");
    if (p->text != NULL)
        out_str(o, p->text);
    else
        any_print(o, p->value);
    out_str(o, p->recovered ? " [recovered]\n" : "\n");
}

void panic_print_chain(struct out *o, const struct g *g)
{
    const struct panicking *p;
    for (size_t i = 0; (p = nth_oldest(g, i)) != NULL; i++)
        if (!p->is_exit)
            print_one(o, p);
    panic_print_signal(o, g);
}

void panic_print_signal(struct out *o, const struct g *g)
{
    int sig = g->fault.sig;
    if (sig == 0)
        return;
    out_str(o, "[signal ");
    if (sig == SIGSEGV)
        out_str(o, "SIGSEGV: segmentation violation");
    else if (sig == SIGBUS)
        out_str(o, "SIGBUS: bus error");
    else if (sig == SIGFPE)
        out_str(o, "SIGFPE: floating-point exception");
    else
        out_hex(o, (uint64_t)sig);
    out_str(o, " code=");
    out_hex(o, (uint64_t)(uint32_t)g->fault.code);
    out_str(o, " addr=");
    out_hex(o, g->fault.addr);
    out_str(o, " pc=");
    out_hex(o, g->fault.pc);
    out_str(o, "]\n");
}
