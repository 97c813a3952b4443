/* context_test.c: cancellation, deadlines and values. */
#include "test/support.h"

#include <criterion/criterion.h>
#include <gort/context.h>
#include <gort/go.h>
#include <gort/panic.h>
#include <gort/time.h>

#define MS GORT_MILLISECOND

static bool is_done(gort_context *ctx)
{
    bool received;
    return gort_chan_try_recv(gort_context_done(ctx), NULL, &received);
}

static void roots(void)
{
    int64_t at;
    gort_context *bg = gort_context_background();
    cr_expect_neq(bg, gort_context_todo());
    cr_expect_null(gort_context_done(bg));
    cr_expect_null(gort_context_err(bg));
    cr_expect_null(gort_context_cause(bg));
    cr_expect_not(gort_context_deadline(bg, &at));
    cr_expect_null(gort_context_value(bg, &at));
}
Test(context, roots_are_never_cancelled)
{
    in_gort(roots);
}

static void cancels(void)
{
    gort_context *ctx = gort_context_with_cancel(gort_context_background());
    gort_chan *done = gort_context_done(ctx);
    cr_expect_eq(done, gort_context_done(ctx));
    cr_expect_not(is_done(ctx));
    cr_expect_null(gort_context_err(ctx));
    gort_context_cancel(ctx);
    cr_expect(is_done(ctx));
    cr_expect_eq(gort_context_err(ctx), gort_context_canceled);
    cr_expect_eq(gort_context_cause(ctx), gort_context_canceled);
    cr_expect_str_eq(gort_context_err(ctx), "context canceled");
    gort_context_cancel(ctx);
    cr_expect_eq(done, gort_context_done(ctx));
}
Test(context, cancel_closes_done_and_sets_err)
{
    in_gort(cancels);
}

static void late_done(void)
{
    gort_context *ctx = gort_context_with_cancel(gort_context_background());
    gort_context_cancel(ctx);
    cr_expect(is_done(ctx));
}
Test(context, done_asked_for_after_cancel_is_closed)
{
    in_gort(late_done);
}

static void tree(void)
{
    int key;
    gort_context *top = gort_context_with_cancel(gort_context_background());
    gort_context *mid = gort_context_with_value(top, &key, &key);
    gort_context *a = gort_context_with_cancel(mid), *b = gort_context_with_cancel(mid);
    gort_context *leaf = gort_context_with_timeout(a, GORT_HOUR);
    gort_context_cancel(b);
    cr_expect_null(gort_context_err(a));
    cr_expect_null(gort_context_err(top));
    gort_context_cancel_cause(top, "enough");
    cr_expect(is_done(mid) && is_done(a) && is_done(leaf));
    cr_expect_eq(gort_context_err(leaf), gort_context_canceled);
    cr_expect_str_eq(gort_context_cause(leaf), "enough");
    cr_expect_eq(gort_context_cause(b), gort_context_canceled);
    gort_context *late = gort_context_with_cancel(leaf);
    cr_expect(is_done(late));
    cr_expect_str_eq(gort_context_cause(late), "enough");
    late = gort_context_with_timeout(leaf, GORT_HOUR);
    cr_expect_eq(gort_context_err(late), gort_context_canceled);
}
Test(context, cancel_runs_down_the_tree)
{
    in_gort(tree);
}

static void deadlines(void)
{
    int64_t at, other, t0 = gort_nanotime();
    gort_context *ctx = gort_context_with_timeout(gort_context_background(), 5 * MS);
    gort_context *child = gort_context_with_timeout(ctx, GORT_HOUR);
    cr_expect(gort_context_deadline(ctx, &at));
    cr_expect(at >= t0 + 5 * MS);
    cr_expect(gort_context_deadline(child, &other));
    cr_expect_eq(other, at);
    gort_chan_recv(gort_context_done(child), NULL);
    cr_expect(gort_nanotime() >= at);
    cr_expect_eq(gort_context_err(ctx), gort_context_deadline_exceeded);
    cr_expect_eq(gort_context_err(child), gort_context_deadline_exceeded);
    cr_expect_str_eq(gort_context_err(child), "context deadline exceeded");
    cr_expect_eq(gort_context_cause(child), gort_context_deadline_exceeded);
    ctx = gort_context_with_deadline(gort_context_background(), gort_nanotime() - 1);
    cr_expect_eq(gort_context_err(ctx), gort_context_deadline_exceeded);
    ctx = gort_context_with_timeout(gort_context_background(), MS);
    cr_expect(gort_context_deadline(ctx, &at));
    gort_context_cancel(ctx);
    const char *why = gort_context_err(ctx);
    cr_expect(why == gort_context_canceled || gort_nanotime() >= at, "the first one counts");
    gort_sleep(3 * MS);
    cr_expect_eq(gort_context_err(ctx), why, "and the second changes nothing");
    ctx = gort_context_with_timeout(gort_context_background(), INT64_MAX);
    cr_expect_null(gort_context_err(ctx));
}
Test(context, a_deadline_cancels)
{
    in_gort(deadlines);
}

static void values(void)
{
    static int k1, k2, v1, v2;
    gort_context *a = gort_context_with_value(gort_context_background(), &k1, &v1);
    gort_context *b = gort_context_with_cancel(a);
    gort_context *c = gort_context_with_value(b, &k2, &v2);
    gort_context *d = gort_context_with_value(c, &k1, &v2);
    cr_expect_eq(gort_context_value(c, &k1), &v1);
    cr_expect_eq(gort_context_value(c, &k2), &v2);
    cr_expect_eq(gort_context_value(d, &k1), &v2);
    cr_expect_null(gort_context_value(b, &k2));
    cr_expect_null(gort_context_value(d, NULL));
    cr_expect_eq(gort_context_done(d), gort_context_done(b));
    gort_context_cancel(b);
    cr_expect(is_done(d));
}
Test(context, values_are_found_upwards)
{
    in_gort(values);
}

static void deep(void)
{
    gort_context *top = gort_context_with_cancel(gort_context_background()), *ctx = top;
    for (int i = 0; i < 100000; i++)
        ctx = gort_context_with_cancel(ctx);
    gort_context_cancel(top);
    cr_expect_eq(gort_context_err(ctx), gort_context_canceled);
}
Test(context, a_long_chain_needs_no_deep_stack)
{
    in_gort(deep);
}

static void nil_parent(void *arg)
{
    (void)arg;
    gort_context_with_cancel(NULL);
}
static void nil_key(void *arg)
{
    (void)arg;
    gort_context_with_value(gort_context_background(), NULL, NULL);
}
static void cancel_root(void *arg)
{
    (void)arg;
    gort_context_cancel(gort_context_background());
}
static bool panics_with(void (*fn)(void *), const char *text)
{
    gort_any v;
    return gort_try(fn, NULL, &v) && strcmp(((const gort_string *)v.data)->ptr, text) == 0;
}
static void misuse(void)
{
    cr_expect(panics_with(nil_parent, "cannot create context from nil parent"));
    cr_expect(panics_with(nil_key, "nil key"));
    cr_expect(panics_with(cancel_root, "context has no cancel function"));
}
Test(context, misuse_panics_in_the_words_of_go)
{
    in_gort(misuse);
}

static gort_context *common;
static gort_chan *joined;
static void child_life(intptr_t id)
{
    int ok = 1;
    for (int i = 0; i < 300; i++) {
        gort_context *ctx = (i + id) % 3 == 0 ? gort_context_with_timeout(common, 20000)
                                              : gort_context_with_cancel(common);
        if (i % 2 == 0)
            gort_context_cancel(ctx);
        if (gort_context_err(ctx) != NULL && !is_done(ctx))
            ok = 0;
        if (i % 10 == 0)
            gort_gosched();
    }
    gort_chan_recv(gort_context_done(common), NULL);
    gort_chan_send(joined, &ok);
}
static void contended(void)
{
    int ok;
    common = gort_context_with_cancel(gort_context_background());
    joined = gort_make_chan(int, 0);
    for (intptr_t i = 0; i < 8; i++)
        gort_go(child_life, i);
    gort_sleep(MS);
    gort_context_cancel(common);
    for (int i = 0; i < 8; i++) {
        gort_chan_recv(joined, &ok);
        cr_expect(ok);
    }
}
Test(context, children_come_and_go_while_the_parent_is_cancelled)
{
    in_gort(contended);
}
