/* waitgroup_test.c: waiting for others, and its misuse. */
#include "sync_support.h"

static gort_waitgroup wg, other;
static au32 done, waited;

static void work(void)
{
    add_seq(&done, 1u);
    gort_waitgroup_done(&wg);
}

static void waits(void)
{
    gort_waitgroup_wait(&wg); /* nothing to wait for */
    for (int round = 0; round < 200; round++) {
        store_seq(&done, 0u);
        gort_waitgroup_add(&wg, 10);
        for (int i = 0; i < 10; i++)
            gort_go(work);
        gort_waitgroup_wait(&wg);
        cr_expect(load_seq(&done) == 10);
        cr_expect(wg.state_ == 0 && wg.sema_ == 0);
    }
    gort_waitgroup_add(&wg, 3);
    gort_waitgroup_add(&wg, -3);
    gort_waitgroup_wait(&wg);
}

Test(waitgroup, waits_until_all_are_done)
{
    cr_assert(in_gort(waits) == 0);
}

static void wait_too(void)
{
    gort_waitgroup_wait(&wg);
    add_seq(&waited, 1u);
    gort_waitgroup_done(&other);
}

static void many_waiters(void)
{
    enum { WAITERS = 50 };
    gort_waitgroup_add(&wg, 1);
    gort_waitgroup_add(&other, WAITERS);
    for (int i = 0; i < WAITERS; i++)
        gort_go(wait_too);
    until(sema_waiters(&wg.sema_) == WAITERS);
    cr_expect(load_seq(&waited) == 0);
    gort_waitgroup_done(&wg);
    gort_waitgroup_wait(&other);
    cr_expect(load_seq(&waited) == WAITERS && wg.sema_ == 0);
    sema_check();
}

Test(waitgroup, wakes_all_who_wait)
{
    cr_assert(in_gort(many_waiters) == 0);
}

static void below_zero(void *arg)
{
    gort_waitgroup_done(arg);
}

static void add_one(void *arg)
{
    gort_waitgroup_add(arg, 1);
}

static void wait_here(void *arg)
{
    gort_waitgroup_wait(arg);
}

static void release_and_spoil(void)
{
    sema_release(&wg.sema_, SEMA_WAKE); /* as the last done would, but the group is in use again */
}

static void misuse(void)
{
    expect_panic(below_zero, &other, "sync: negative WaitGroup counter");
    wg.state_ = 1; /* somebody waits while the counter is zero */
    expect_panic(add_one, &wg, "sync: WaitGroup misuse: Add called concurrently with Wait");
    wg.state_ = 1ull << 32;
    gort_go(release_and_spoil);
    expect_panic(wait_here, &wg, "sync: WaitGroup is reused before previous Wait has returned");
}

Test(waitgroup, misuse_panics)
{
    cr_assert(in_gort(misuse) == 0);
}

/* The group lies in the frame of who waits, and is gone when the wait is over. */
static void done_with(gort_waitgroup *g)
{
    gort_waitgroup_done(g);
}

static NOINLINE void local(void)
{
    gort_waitgroup g = {0};
    gort_waitgroup_add(&g, 2);
    gort_go(done_with, &g);
    gort_go(done_with, &g);
    gort_waitgroup_wait(&g);
    memset(&g, 0xff, sizeof g);
    __asm__ volatile("" : : "r"(&g) : "memory");
}

static void locals(void)
{
    for (int i = 0; i < 3000; i++)
        local();
}

Test(waitgroup, may_be_gone_after_the_wait)
{
    cr_assert(in_gort(locals) == 0);
}
