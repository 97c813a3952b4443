/* limiter_test.c: the bucket that keeps the collector to half of the CPU. */
#include "gc/gc_int.h"

#include "support.h"

#include <criterion/criterion.h>

#define SECOND UINT64_C(1000000000)

static struct limiter bucket(uint32_t procs)
{
    struct limiter l = {0, 0, false};
    limiter_resize(&l, procs);
    return l;
}

Test(limiter, has_a_second_for_each_processor)
{
    struct limiter l = bucket(4);
    cr_expect_eq(l.capacity_ns, 4 * SECOND);
    cr_expect_not(l.limiting);
}

Test(limiter, limits_when_full_until_the_first_drain)
{
    struct limiter l = bucket(2);
    limiter_pour(&l, 2 * SECOND - 1, 0);
    cr_expect_not(l.limiting);
    limiter_pour(&l, 1, 0);
    cr_expect(l.limiting && l.fill_ns == 2 * SECOND);
    limiter_pour(&l, 5 * SECOND, SECOND);
    cr_expect(l.limiting && l.fill_ns == 2 * SECOND, "no fuller than full");
    limiter_pour(&l, SECOND, SECOND);
    cr_expect(l.limiting, "as much as the program: nothing changes");
    limiter_pour(&l, 0, 1);
    cr_expect(!l.limiting && l.fill_ns == 2 * SECOND - 1);
}

Test(limiter, is_never_emptier_than_empty)
{
    struct limiter l = bucket(1);
    limiter_pour(&l, 10, 0);
    limiter_pour(&l, 0, 50 * SECOND);
    cr_expect_eq(l.fill_ns, 0u);
    limiter_pour(&l, 3 * SECOND / 4, SECOND / 4);
    cr_expect_eq(l.fill_ns, SECOND / 2, "three quarters for the collector: half remains");
}

Test(limiter, keeps_its_fill_when_processors_come_and_go)
{
    struct limiter l = bucket(4);
    limiter_pour(&l, 3 * SECOND, 0);
    limiter_resize(&l, 2);
    cr_expect(l.limiting && l.fill_ns == 2 * SECOND);
    limiter_resize(&l, 8);
    cr_expect(!l.limiting && l.fill_ns == 2 * SECOND && l.capacity_ns == 8 * SECOND);
}

/* Half and half does not fill it in the long run; a bit more does. */
Test(limiter, allows_half)
{
    struct limiter l = bucket(1);
    for (int i = 0; i < 100000; i++)
        limiter_pour(&l, 1000000, 1000000);
    cr_expect_not(l.limiting);
    for (int i = 0; i < 100000 && !l.limiting; i++)
        limiter_pour(&l, 1100000, 1000000);
    cr_expect(l.limiting);
}

static void fills_up(void)
{
    enum { SECONDS = 10 };
    m_enter();
    limiter_update(os_nanotime()); /* the first look: nothing is shared out */
    int64_t later = os_nanotime() + SECONDS * (int64_t)SECOND;
    cr_expect_eq(gc_limiter_last(), 0u);
    limiter_add_stop(SECONDS * (int64_t)SECOND);
    limiter_update(later);
    cr_expect(limiter_limiting());
    cr_expect_eq(gc_limiter_last(), load_rlx(&gc.cycle) + 1);
    limiter_update(later + (int64_t)SECOND);
    cr_expect_eq(gc_limiter_last(), load_rlx(&gc.cycle) + 1, "remembered after its end");
    m_leave(self());
}
Test(limiter, remembers_in_which_cycle_it_began)
{
    cr_expect_eq(in_gort(fills_up), 0);
}
