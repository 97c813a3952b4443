/* final.c: finalizers, and the goroutine that runs them and cleanups.
 *
 * Owns    gort_set_finalizer; the queue of what is to run; the goroutine that runs it.
 * Holds   1. A block in a list has 0 < n <= BLOCK_CALLS; its calls [0, n) wait.
 *         2. `waiting` is that goroutine exactly while it is parked with nothing queued.
 * Locks   final.lock, rank gc, for all of it.
 * Order   what happened before gort_set_finalizer happens before fn: special_add, the sweeper and
 *         final_queue hand it on by their locks.
 *
 * Sweeping queues in the order of addresses; the newest call runs first, as in Go: the goroutine takes
 * all that is queued, the newest block first and each from its end.
 *
 * Instead of a goroutine for each call: finalizers of one library would need locks against each other.
 */
#include "gc/gc_int.h"
#include "gc/up.h"

#include <gort/final.h>

#include "base/track.h"
#include "conf/conf.h"
#include "os/loaded.h"

enum { BLOCK_BYTES = 4096 };

struct call {
    enum special_kind kind;
    void *obj, *a, *b;
};
enum { BLOCK_CALLS = (BLOCK_BYTES - 2 * sizeof(void *)) / sizeof(struct call) };
struct block {
    struct block *next;
    uint32_t n;
    struct call call[BLOCK_CALLS];
};
_Static_assert(sizeof(struct block) <= BLOCK_BYTES, "a block is a page");

static struct {
    struct lock lock; /* rank gc */
    /* lock: */
    struct block *queued;  /* newest first; filled by the sweepers */
    struct block *running; /* what the goroutine took */
    struct g *waiting;
    /* atomic: */
    au32 made; /* there is a goroutine */
} final = {.lock = LOCK_INIT(gc)};

static struct fixed blocks = FIXED_INIT(sizeof(struct block), SYS_OTHER);

/* ---- the queue */
void final_queue(enum special_kind kind, void *obj, void *a, void *b)
{
    lock(&final.lock);
    struct block *last = final.queued;
    if (last == NULL || last->n == BLOCK_CALLS) {
        last = fixed_take(&blocks);
        last->next = final.queued;
        final.queued = last;
    }
    last->call[last->n++] = (struct call){kind, obj, a, b};
    unlock(&final.lock);
}

void final_wake(void)
{
    struct g *g = NULL;
    lock(&final.lock);
    if (final.queued != NULL) {
        g = final.waiting;
        final.waiting = NULL;
    }
    unlock(&final.lock);
    if (g != NULL)
        ready_tail(g);
}

/* The next call to make, taken out of the queue. */
static bool take(struct call *c) REQUIRES(final.lock)
{
    if (final.running == NULL) {
        final.running = final.queued;
        final.queued = NULL;
    }
    struct block *from = final.running;
    if (from == NULL)
        return false;
    *c = from->call[--from->n];
    if (from->n == 0) {
        final.running = from->next;
        fixed_put(&blocks, from);
    }
    return true;
}

typedef void (*call_fn)(struct call *c, void *arg);
static void each_call(struct block *b, call_fn fn, void *arg)
{
    for (; b != NULL; b = b->next)
        for (uint32_t i = b->n; i-- > 0;)
            fn(&b->call[i], arg);
}

static void mark_call(struct call *c, void *arg)
{
    struct marker *mk = arg;
    mark_word(mk, (uintptr_t)c->obj);
    mark_word(mk, (uintptr_t)c->a);
    mark_word(mk, (uintptr_t)c->b);
}

void final_mark(struct marker *mk)
{
    lock(&final.lock);
    each_call(final.running, mark_call, mk);
    each_call(final.queued, mark_call, mk);
    unlock(&final.lock);
}

struct every {
    void (*fn)(void *obj, void *a, void *b, void *arg);
    void *arg;
};

static void show_call(struct call *c, void *arg)
{
    const struct every *e = arg;
    if (c->kind == SPECIAL_FINALIZER)
        e->fn(c->obj, c->a, c->b, e->arg);
}

void final_each_queued(void (*fn)(void *obj, void *a, void *b, void *arg), void *arg)
{
    struct every e = {fn, arg};
    lock(&final.lock);
    each_call(final.running, show_call, &e);
    each_call(final.queued, show_call, &e);
    unlock(&final.lock);
}

/* ---- the goroutine */
/* Clears the stack below the caller, where the frames of park() will lie with holes between what they
 * write: a pointer to the last object, left there by its finalizer, would keep it until the next. */
static NOINLINE void wipe_below(void)
{
    volatile char dead[1024];
    for (size_t i = 0; i < sizeof dead; i++)
        dead[i] = 0;
}

/* The next call, or waits for one. */
PARKS static NOINLINE void next_call(struct call *c) NO_TSA
{
    for (;;) {
        struct m *m = m_enter();
        lock(&final.lock);
        if (take(c)) {
            unlock(&final.lock);
            m_leave(m);
            track_acquire(&track_on); /* all that was done before: pairs with track_switch */
            return;
        }
        final.waiting = m_curg(m);
        park_unlock(&final.lock, WAIT_FINALIZER);
        m_leave(self());
    }
}

static NOINLINE void run_call(struct call *c)
{
    void (*fn)(void *) = (void (*)(void *))(uintptr_t)c->a;
    void *arg = c->kind == SPECIAL_FINALIZER ? c->obj : c->b;
    *(volatile struct call *)c = (struct call){0};
    fn(arg);
}

static void final_run(void)
{
    struct call c = {0};
    struct g *g = g_self();
    for (;;) {
        next_call(&c);
        g->in_user_code = true;
        run_call(&c);
        g->in_user_code = false;
        wipe_below();
    }
}

void final_start(void)
{
    if (load_rlx(&final.made) != 0 || !cas_seq(&final.made, 0u, 1u))
        return;
    if (track_is(TRACK_RACES))
        track_on |= TRACK_FINALS;
    struct start s = {.fn = final_run};
    struct go_options o = {.system = true, .created_pc = (uintptr_t)final_start + 1};
    ready_tail(g_new(&s, &o));
}

/* ---- what never dies */
struct search {
    uintptr_t addr;
    bool found;
};

/* Is the address in a segment that this module may write to? */
static int search_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct search *q = arg;
    (void)size;
    q->found = loaded_holds(info, q->addr, 1, PF_W);
    return q->found;
}

/* The address of all objects of 0 bytes lies in our own data. */
bool final_lives_for_ever(const void *p)
{
    struct search q = {.addr = (uintptr_t)p};
    dl_iterate_phdr(search_module, &q);
    return q.found;
}

/* ---- for the program */
/* What is wrong with the argument, or NULL; *o is left alone where there is no object: one that never
 * dies. Outside of the runtime: the loader is asked. */
static const char *check_argument(void *obj, struct object *o)
{
    if (obj == NULL)
        return "runtime.SetFinalizer: first argument is nil";
    struct m *m = m_enter();
    bool found = arena_find_object((uintptr_t)obj, o);
    m_leave(m);
    if (!found)
        return final_lives_for_ever(obj) ? NULL
                                         : "runtime.SetFinalizer: pointer not in allocated block";
    bool tiny = o->span->kind == OBJ_NOSCAN && o->span->class == CLASS_TINY;
    if (o->base != (uintptr_t)obj && !tiny)
        return "runtime.SetFinalizer: pointer not at beginning of allocated block";
    return NULL;
}

static bool set_or_clear(const struct object *o, void *obj, void (*fn)(void *))
{
    uint64_t off = (uintptr_t)obj - o->base;
    if (fn == NULL) {
        special_remove(o, SPECIAL_FINALIZER, off, NULL);
        return true;
    }
    final_start();
    return special_add(o, SPECIAL_FINALIZER, (void *)(uintptr_t)fn, NULL, off);
}

void gort_set_finalizer(void *obj, void (*fn)(void *))
{
    struct object o = {0};
    if (knobs.sbrk != 0)
        return;
    const char *wrong = check_argument(obj, &o);
    if (wrong != NULL)
        throw(wrong);
    if (o.span == NULL)
        return;
    track_release(&track_on);
    struct m *m = m_enter();
    bool done = set_or_clear(&o, obj, fn);
    if (!done)
        throw_on_thread_stack("runtime.SetFinalizer: finalizer already set");
    m_leave(m);
}
