/* defer.c: scopes, and the functions that wait for their end.
 *
 * Owns    struct gort_scope: g->scope is the innermost; `outer` leads to the goroutine's own, the
 *         root, which lives on the collected heap and exists once something was deferred outside
 *         any GORT_SCOPE.
 * Holds   1. A scope is in the list from gort_scope_enter until gort_scope_leave, or until a panic
 *            finds it empty and passes on outwards.
 *         2. A function is taken out of its scope before it is called: it runs at most once, and
 *            whatever unwinds next goes on with the function deferred before it.
 *         3. `more` holds functions only if `inlined` is full, and a chunk is never empty.
 * Locks   none: all is the goroutine's own.
 * Order   gort_scope_enter, then gort_scope_save; nothing can panic between the two.
 * Instead of one list of records tagged with frames, as compiled Go has it: records that live in
 *         their scope need no allocation for the first few, and leaving is a loop over an array.
 */
#include "panic/panic.h"
#include "base/track.h"
#include "dump/up.h"
#include "gc/gc.h"

_Static_assert(sizeof(struct context) <= SCOPE_CALLS * sizeof(uintptr_t),
               "gort/panic.h: place holds a struct context");
_Static_assert(offsetof(struct gort_scope, place) == 0, "gort_scope_save is arch_save");

enum { CHUNK_DEFERRED = 31 };

struct gort_deferred_chunk {
    struct gort_deferred_chunk *older;
    uint64_t n;
    struct gort_deferred deferred[CHUNK_DEFERRED];
};

struct g *panic_self(const char *what)
{
    struct g *g = g_self();
    if (unlikely(g == NULL)) {
        m_enter(); /* says so and dies on a thread that the runtime does not know */
        throw(what);
    }
    return g;
}

static void *alloc(size_t bytes)
{
    m_enter();
    void *p = gc_alloc(bytes, OBJ_CONSERVATIVE);
    m_leave(self());
    return p;
}

static void init(struct gort_scope *s, struct gort_scope *outer)
{
    s->outer = outer;
    s->more = NULL;
    s->ninlined = 0;
    s->root = false;
}

struct gort_scope *gort_scope_enter(struct gort_scope *s)
{
    struct g *g = panic_self("GORT_SCOPE on system stack");
    init(s, scope_innermost(g));
    if (track_is(TRACK_RACES))
        s->place[SCOPE_CALLS] = track_calls();
    scope_set_innermost(g, s);
    return s;
}

bool scope_take(struct gort_scope *s, struct gort_deferred *d)
{
    struct gort_deferred_chunk *c = s->more;
    if (c != NULL) {
        *d = c->deferred[--c->n];
        c->deferred[c->n] = (struct gort_deferred){NULL, NULL}; /* keeps nothing alive */
        if (c->n == 0)
            s->more = c->older;
        return true;
    }
    if (s->ninlined == 0)
        return false;
    *d = s->inlined[--s->ninlined];
    return true;
}

/* Not inlined and not a tail call: its return address must not be one that a panic uses. */
NOINLINE void defer_call(const struct gort_deferred *d)
{
    d->fn(d->arg);
    compiler_barrier();
}

void gort_scope_leave(struct gort_scope *s)
{
    struct g *g = g_self();
    if (unlikely(g == NULL || scope_innermost(g) != s))
        throw("a GORT_SCOPE was left that is not the innermost");
    struct gort_deferred d;
    while (scope_take(s, &d))
        defer_call(&d);
    scope_set_innermost(g_self(), s->outer);
}

static void put_more(struct gort_scope *s, struct gort_deferred d)
{
    struct gort_deferred_chunk *c = s->more;
    if (c == NULL || c->n == CHUNK_DEFERRED) {
        c = alloc(sizeof *c);
        c->older = s->more;
        s->more = c;
    }
    c->deferred[c->n++] = d;
}

static struct gort_scope *new_root(struct g *g)
{
    struct gort_scope *s = alloc(sizeof *s);
    init(s, NULL);
    s->root = true;
    scope_set_innermost(g, s);
    return s;
}

void gort_defer(void (*fn)(void *), void *arg)
{
    struct g *g = panic_self("gort_defer on system stack");
    struct gort_scope *s = scope_innermost(g);
    struct gort_deferred d = {fn, arg};
    if (s == NULL)
        s = new_root(g);
    if (likely(s->ninlined < GORT_SCOPE_INLINE))
        s->inlined[s->ninlined++] = d;
    else
        put_more(s, d);
}

static void scope_each(const struct gort_scope *s, defer_fn fn, void *arg)
{
    const struct context *place = (const struct context *)(const void *)s->place;
    for (const struct gort_deferred_chunk *c = s->more; c != NULL; c = c->older)
        for (uint64_t i = c->n; i-- > 0;)
            fn(&c->deferred[i], place, c->deferred[i].fn, arg);
    for (uint32_t i = s->ninlined; i-- > 0;)
        fn(&s->inlined[i], place, s->inlined[i].fn, arg);
}

void defer_each(const struct g *g, defer_fn fn, void *arg)
{
    for (const struct gort_scope *s = scope_innermost(g); s != NULL; s = s->outer)
        scope_each(s, fn, arg);
}
