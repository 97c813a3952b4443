/* timehist_test.c: every duration falls between the bounds of its bucket. */
#include "base/timehist.h"

#include <criterion/criterion.h>

static void expect_between_bounds(uint64_t ns)
{
    unsigned i = timehist_bucket(ns);
    cr_expect(i < TIMEHIST_COUNTS, "%llu", (unsigned long long)ns);
    cr_expect(timehist_bound_ns(i) <= ns && ns < timehist_bound_ns(i + 1), "%llu",
              (unsigned long long)ns);
}

Test(timehist, buckets_are_found_by_their_bounds)
{
    for (unsigned i = 0; i < TIMEHIST_COUNTS; i++) {
        uint64_t bound = timehist_bound_ns(i);
        expect_between_bounds(bound);
        expect_between_bounds(bound + 1);
        if (bound > 0)
            cr_expect_eq(timehist_bucket(bound - 1), i - 1);
    }
    expect_between_bounds((UINT64_C(1) << 47) - 1);
}

Test(timehist, begins_at_nothing_and_ends_after_a_day)
{
    cr_expect_eq(timehist_bound_ns(0), 0u);
    cr_expect_eq(timehist_bound_ns(1), 64u);
    cr_expect_eq(timehist_bound_ns(4), 256u);
    cr_expect_eq(timehist_bound_ns(5), 320u);
    cr_expect_eq(timehist_bound_ns(TIMEHIST_COUNTS), UINT64_C(1) << 47);
    cr_expect(timehist_bucket(UINT64_C(1) << 47) >= TIMEHIST_COUNTS);
    cr_expect(timehist_bucket(INT64_MAX) >= TIMEHIST_COUNTS);
}

Test(timehist, counts_what_fits_nowhere)
{
    static struct timehist h;
    timehist_count(&h, -1, 1);
    timehist_count(&h, INT64_MAX, 2);
    timehist_count(&h, 100, 8);
    cr_expect_eq(load_rlx(&h.underflow), 1u);
    cr_expect_eq(load_rlx(&h.overflow), 2u);
    cr_expect_eq(load_rlx(&h.counts[1]), 8u);
}
