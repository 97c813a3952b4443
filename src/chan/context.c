/* context.c: cancellation that runs down a tree.
 *
 * Owns    gort_context.
 * Holds   1. `canceller` is the nearest of a context and its ancestors that can be cancelled.
 *            Contexts that cannot have no fields from `lock` on.
 *         2. A context that can be cancelled, and is not, is among the children of its parent's
 *            canceller (`linked`) unless there is none.
 *         3. err is set once, before `done` is closed, and from then on `children` is empty.
 * Locks   each context's own, never two at once: cancelling takes the children out under the lock
 *         and goes on with them afterwards, in a loop, since a chain may be longer than a stack is
 *         deep.
 * Order   err and done are stored with release under the lock, and read without it with acquire.
 * Instead of a goroutine or an object per link: the links, the timer and the lock are parts of the
 *         context.
 */
#include "base/list.h"
#include "base/track.h"
#include "chan/chan.h"
#include "gc/gc.h"
#include "panic/panic.h"
#include "sched/sched.h"

#include <gort/context.h>

struct gort_context {
    /* const: */
    gort_context *parent;
    gort_context *canceller;
    int64_t deadline_ns; /* INT64_MAX: none */
    const void *key;     /* NULL: has no value */
    void *value;
    /* lock (the parent's canceller's): */
    struct node sibling;
    bool linked;
    /* lock: */
    struct lock lock;     /* rank sync */
    struct list children; /* by sibling */
    const char *cause;
    struct timer timer;
    /* lock+atomic: */
    aptr err;  /* const char; NULL: not cancelled */
    aptr done; /* gort_chan; NULL: nobody asked yet */
};

const char gort_context_canceled[] = "context canceled";
const char gort_context_deadline_exceeded[] = "context deadline exceeded";

static struct gort_context background = {.deadline_ns = INT64_MAX};
static struct gort_context todo = {.deadline_ns = INT64_MAX};

static const gort_string signal_name = {"struct {}", 9};
static const struct gort_type signal_type = {
    .align = 1,
    .field_align = 1,
    .kind = GORT_KIND_STRUCT | GORT_KIND_NO_POINTERS,
    .string = &signal_name,
};

gort_context *gort_context_background(void)
{
    return &background;
}

gort_context *gort_context_todo(void)
{
    return &todo;
}

/* ---- cancelling. All are called inside the runtime. */

static void *text(const char *s)
{
    return (void *)(uintptr_t)s;
}

/* Moves the children of `ctx` to `list`. */
static void children_take(gort_context *ctx, struct list *list) REQUIRES(ctx->lock)
{
    struct node *n;
    while ((n = list_take_head(&ctx->children)) != NULL) {
        container_of(n, gort_context, sibling)->linked = false;
        list_put_tail(list, n);
    }
}

/* Cancels `ctx` alone and adds its children to `list`. False if it was cancelled before. */
static bool cancel_one(gort_context *ctx, const char *err, const char *cause, struct list *list)
{
    lock(&ctx->lock);
    if (load_rlx(&ctx->err) != NULL) {
        unlock(&ctx->lock);
        return false;
    }
    ctx->cause = cause;
    track_release(&ctx->err);
    store_rel(&ctx->err, text(err)); /* pairs with gort_context_err */
    gort_chan *done = load_rlx(&ctx->done);
    children_take(ctx, list);
    unlock(&ctx->lock);
    timer_stop(&ctx->timer);
    if (done != NULL)
        chan_shut(done);
    return true;
}

static void parent_drop(gort_context *ctx)
{
    gort_context *up = ctx->parent->canceller;
    if (up == NULL)
        return;
    lock(&up->lock);
    if (ctx->linked) {
        ctx->linked = false;
        list_remove(&ctx->sibling);
    }
    unlock(&up->lock);
}

static void cancel_tree(gort_context *ctx, const char *err, const char *cause)
{
    struct list list;
    struct node *n;
    list_init(&list);
    if (!cancel_one(ctx, err, cause, &list))
        return;
    parent_drop(ctx);
    while ((n = list_take_head(&list)) != NULL)
        cancel_one(container_of(n, gort_context, sibling), err, cause, &list);
}

static void on_deadline(void *arg, int64_t now_ns)
{
    (void)now_ns;
    void *keep = track_timer_begin(arg);
    cancel_tree(arg, gort_context_deadline_exceeded, gort_context_deadline_exceeded);
    track_timer_end(keep);
}

/* ---- making one */

static gort_context *context_alloc(gort_context *parent, size_t bytes)
{
    gort_context *ctx = gc_alloc(bytes, OBJ_CONSERVATIVE);
    ctx->parent = parent;
    ctx->canceller = parent->canceller;
    ctx->deadline_ns = parent->deadline_ns;
    return ctx;
}

/* Makes it a child, to be cancelled with its parent: now, if that has happened. */
static void parent_join(gort_context *ctx)
{
    gort_context *up = ctx->parent->canceller;
    if (up == NULL)
        return;
    lock(&up->lock);
    const char *err = load_rlx(&up->err), *cause = up->cause;
    if (err == NULL) {
        ctx->linked = true;
        list_put_tail(&up->children, &ctx->sibling);
    }
    unlock(&up->lock);
    if (err != NULL)
        cancel_tree(ctx, err, cause);
}

static gort_context *canceller_new(gort_context *parent, int64_t deadline_ns)
{
    gort_context *ctx = context_alloc(parent, sizeof *ctx);
    ctx->canceller = ctx;
    if (deadline_ns < ctx->deadline_ns)
        ctx->deadline_ns = deadline_ns;
    ctx->timer.fn = on_deadline;
    ctx->timer.arg = ctx;
    ctx->timer.when_ns = ctx->deadline_ns;
    list_init(&ctx->children);
    lock_init(&ctx->lock, sync);
    parent_join(ctx);
    return ctx;
}

/* Cancels it at its deadline; under the lock, so that a cancel finds the timer started or not at
 * all. */
static void deadline_arm(gort_context *ctx)
{
    if (ctx->deadline_ns <= os_nanotime()) {
        on_deadline(ctx, 0);
        return;
    }
    lock(&ctx->lock);
    track_release(ctx);
    if (load_rlx(&ctx->err) == NULL)
        sched_timer_start(&ctx->timer);
    unlock(&ctx->lock);
}

static void check_parent(const gort_context *parent)
{
    if (parent == NULL)
        panic_string("cannot create context from nil parent");
}

gort_context *gort_context_with_cancel(gort_context *parent)
{
    check_parent(parent);
    struct m *m = m_enter();
    gort_context *ctx = canceller_new(parent, INT64_MAX);
    m_leave(m);
    return ctx;
}

gort_context *gort_context_with_deadline(gort_context *parent, int64_t at_ns)
{
    check_parent(parent);
    struct m *m = m_enter();
    gort_context *ctx = canceller_new(parent, at_ns);
    if (at_ns < parent->deadline_ns)
        deadline_arm(ctx);
    m_leave(m);
    return ctx;
}

gort_context *gort_context_with_timeout(gort_context *parent, int64_t ns)
{
    return gort_context_with_deadline(parent, timer_deadline(os_nanotime(), ns));
}

gort_context *gort_context_with_value(gort_context *parent, const void *key, void *value)
{
    check_parent(parent);
    if (key == NULL)
        panic_string("nil key");
    struct m *m = m_enter();
    gort_context *ctx = context_alloc(parent, offsetof(struct gort_context, sibling));
    ctx->key = key;
    ctx->value = value;
    m_leave(m);
    return ctx;
}

/* ---- using one */

void gort_context_cancel_cause(gort_context *ctx, const char *cause)
{
    if (ctx->canceller != ctx)
        panic_string("context has no cancel function");
    struct m *m = m_enter();
    cancel_tree(ctx, gort_context_canceled, cause != NULL ? cause : gort_context_canceled);
    m_leave(m);
}

void gort_context_cancel(gort_context *ctx)
{
    gort_context_cancel_cause(ctx, NULL);
}

/* The channel that was there first is the one; a late one is closed at once. */
static gort_chan *done_publish(gort_context *ctx, gort_chan *fresh)
{
    lock(&ctx->lock);
    gort_chan *done = load_rlx(&ctx->done);
    bool late = done == NULL && load_rlx(&ctx->err) != NULL;
    if (late)
        track_acquire(&ctx->err); /* who closes it does so in the name of who cancelled */
    if (done == NULL)
        store_rel(&ctx->done, done = fresh); /* pairs with gort_context_done */
    unlock(&ctx->lock);
    if (late)
        chan_shut(done);
    return done;
}

gort_chan *gort_context_done(gort_context *ctx)
{
    gort_context *at = ctx->canceller;
    if (at == NULL)
        return NULL;
    gort_chan *done = load_acq(&at->done);
    if (done != NULL)
        return done;
    gort_chan *fresh = gort_chan_make(&signal_type, 0);
    struct m *m = m_enter();
    done = done_publish(at, fresh);
    m_leave(m);
    return done;
}

/* Whoever sees the error must find the channel closed: so it is closed here, if the one who cancels
 * has not come that far. */
const char *gort_context_err(gort_context *ctx)
{
    gort_context *at = ctx->canceller;
    const char *err = at == NULL ? NULL : load_acq(&at->err);
    if (err != NULL)
        track_acquire(&at->err);
    gort_chan *done = err == NULL ? NULL : load_acq(&at->done);
    if (done != NULL && load_acq(&done->closed) == 0) { /* after the acquire */
        struct m *m = m_enter();
        chan_shut(done);
        m_leave(m);
    }
    return err;
}

const char *gort_context_cause(gort_context *ctx)
{
    return gort_context_err(ctx) == NULL ? NULL : ctx->canceller->cause;
}

bool gort_context_deadline(const gort_context *ctx, int64_t *at_ns)
{
    if (ctx->deadline_ns == INT64_MAX)
        return false;
    *at_ns = ctx->deadline_ns;
    return true;
}

void *gort_context_value(const gort_context *ctx, const void *key)
{
    for (; ctx != NULL; ctx = ctx->parent)
        if (ctx->key == key && key != NULL)
            return ctx->value;
    return NULL;
}
