/* Cleanups: they run after the object is gone, as often as they were added, unless stopped. */
#include "final_support.h"

enum { MANY = 100 };

static au32 ran, wrong;
struct note {
    long n, check;
};

static void note(void *arg)
{
    struct note *x = arg;
    if (x->check != ~x->n)
        add_seq(&wrong, 1u);
    add_seq(&ran, 1u);
}

/* Only the cleanup knows it. */
static struct note *argument(long n)
{
    struct note *x = gort_alloc(sizeof *x);
    x->n = n;
    x->check = ~n;
    return x;
}

static void make_many(void)
{
    for (long i = 0; i < MANY; i++) {
        void **p = gort_alloc(40);
        *p = p; /* a cycle is no obstacle */
        gort_add_cleanup(p, note, argument(i));
        gort_add_cleanup(p + 2, note, argument(i)); /* nor an inner address */
    }
}
static void many(void)
{
    elsewhere(make_many);
    collect();
    cr_expect(load_seq(&ran) >= 2 * MANY - 10 && load_seq(&ran) <= 2 * MANY, "%u", load_seq(&ran));
    cr_expect_eq(load_seq(&ran) % 2, 0u);
    cr_expect_eq(load_seq(&wrong), 0u);
}
Test(cleanup, each_runs_once)
{
    cr_expect_eq(in_gort(many), 0);
}

static gort_cleanup stopped[MANY];
static void *volatile kept[MANY];
static void make_stopped(void)
{
    for (long i = 0; i < MANY; i++) {
        kept[i] = gort_alloc(40);
        stopped[i] = gort_add_cleanup(kept[i], note, argument(i));
        gort_add_cleanup(kept[i], note, argument(i));
    }
}
static void stop_all(void)
{
    for (int i = 0; i < MANY; i++) {
        gort_cleanup_stop(stopped[i]);
        gort_cleanup_stop(stopped[i]); /* nothing happens */
        kept[i] = NULL;
    }
}
static void stops(void)
{
    elsewhere(make_stopped);
    collect();
    cr_expect_eq(load_seq(&ran), 0u); /* they are reachable */
    elsewhere(stop_all);
    collect();
    cr_expect(load_seq(&ran) >= MANY - 5 && load_seq(&ran) <= MANY, "%u", load_seq(&ran));
    for (int i = 0; i < MANY; i++)
        gort_cleanup_stop(stopped[i]); /* long gone */
    gort_cleanup_stop((gort_cleanup){0, 0});
}
Test(cleanup, can_be_stopped_one_by_one)
{
    cr_expect_eq(in_gort(stops), 0);
}

/* With a finalizer: that first, and the cleanup once the object is gone for good. */
enum { BOTH = 10 };
static void *volatile saved[BOTH];
static au32 finalized;
static void save(void *obj)
{
    saved[add_seq(&finalized, 1u)] = obj;
}
static void make_both(void)
{
    for (int i = 0; i < BOTH; i++) {
        void *p = gort_alloc(40);
        gort_add_cleanup(p, note, argument(1));
        gort_set_finalizer(p, save);
    }
}
static void both(void)
{
    elsewhere(make_both);
    while (load_seq(&finalized) < BOTH / 2)
        collect_once();
    collect();
    cr_expect_eq(load_seq(&ran), 0u);
    for (int i = 0; i < BOTH; i++)
        saved[i] = NULL;
    while (load_seq(&ran) == 0)
        collect_once();
    cr_expect(load_seq(&ran) <= load_seq(&finalized) && load_seq(&finalized) <= BOTH);
}
Test(cleanup, comes_after_the_finalizer)
{
    cr_expect_eq(in_gort(both), 0);
}

static int global;
static void immortal(void)
{
    gort_cleanup c = gort_add_cleanup(&global, note, NULL);
    cr_expect_eq(c.id_, 0u);
    c = gort_add_cleanup(gort_alloc(0), note, NULL);
    cr_expect_eq(c.id_, 0u);
    gort_cleanup_stop(c);
}
Test(cleanup, of_what_never_dies_is_none)
{
    cr_expect_eq(in_gort(immortal), 0);
}

/* ---- misuse is a panic */
static const char *said(void (*fn)(void *), void *arg)
{
    gort_any v;
    return gort_try(fn, arg, &v) ? *(const char *const *)v.data : "";
}
static void of_null(void *arg)
{
    gort_add_cleanup(NULL, note, arg);
}
static void of_local(void *arg)
{
    int x;
    gort_add_cleanup(&x, note, arg);
}
static void of_itself(void *arg)
{
    gort_add_cleanup(arg, note, arg);
}
static void of_its_inside(void *arg)
{
    gort_add_cleanup(arg, note, (char *)arg + 8);
}
static void misuse(void)
{
    cr_expect_str_eq(said(of_null, NULL), "runtime.AddCleanup: ptr is nil");
    cr_expect_str_eq(said(of_local, NULL), "runtime.AddCleanup: ptr not in allocated block");
    const char *never = "runtime.AddCleanup: ptr is equal to arg, cleanup will never run";
    cr_expect_str_eq(said(of_itself, gort_alloc(32)), never);
    cr_expect_str_eq(said(of_its_inside, gort_alloc(32)), never);
}
Test(cleanup, misuse_panics)
{
    cr_expect_eq(in_gort(misuse), 0);
}
