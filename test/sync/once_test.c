/* once_test.c: once, whatever happens. */
#include "sync_support.h"

static gort_once once;
static gort_waitgroup wg;
static au32 calls, value;

static void slowly(void *arg)
{
    add_seq(&calls, 1u);
    gort_sleep(2000000);
    store_seq(&value, *(uint32_t *)arg);
}

static void caller(void)
{
    uint32_t v = 7;
    gort_once_do(&once, slowly, &v);
    cr_expect(load_seq(&value) == 7); /* not before the first call is through */
    gort_waitgroup_done(&wg);
}

static void only_one(void)
{
    gort_waitgroup_add(&wg, 20);
    for (int i = 0; i < 20; i++)
        gort_go(caller);
    gort_waitgroup_wait(&wg);
    cr_expect(load_seq(&calls) == 1);
    cr_expect(once.mutex_.state_ == 0);
}

Test(once, all_wait_for_the_one_call)
{
    cr_assert(in_gort(only_one) == 0);
}

static void panics(void *arg)
{
    (void)arg;
    add_seq(&calls, 1u);
    gort_panic(gort_any_string("once"));
}

static void do_it(void *arg)
{
    gort_once_do(arg, panics, NULL);
}

static void panicking(void)
{
    expect_panic(do_it, &once, "once");
    cr_expect(!gort_try(do_it, &once, NULL));
    cr_expect(load_seq(&calls) == 1 && once.mutex_.state_ == 0);
}

Test(once, a_function_that_panics_is_done)
{
    cr_assert(in_gort(panicking) == 0);
}

static void exits(void *arg)
{
    (void)arg;
    add_seq(&calls, 1u);
    gort_goexit();
}

static void exiting(void)
{
    gort_once_do(&once, exits, NULL);
}

static void ended(void)
{
    gort_go(exiting);
    until(load_seq(sync_u32(&once.done_)) == 1);
    until(load_seq(sync_u32(&once.mutex_.state_)) == 0); /* let go of a moment later */
    exiting();                                           /* does nothing, and comes back */
    cr_expect(load_seq(&calls) == 1 && once.mutex_.state_ == 0);
}

Test(once, a_function_that_ends_its_goroutine_is_done)
{
    cr_assert(in_gort(ended) == 0);
}
