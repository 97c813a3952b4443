/* What is sampled of waits, and what samples stand for. */
#include "prof/prof_int.h"

#include "sched/sched.h"
#include "support.h"
#include "sync/up.h"

#include <gort/prof.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static gort_block_profile_record sum(bool (*profile)(gort_block_profile_record *, int, int *))
{
    static gort_block_profile_record r[1000];
    gort_block_profile_record all;
    int n = 0;
    memset(&all, 0, sizeof all);
    cr_expect(profile(r, 1000, &n));
    for (int i = 0; i < n; i++) {
        all.count += r[i].count;
        all.cycles += r[i].cycles;
    }
    return all;
}

static void everything(void)
{
    gort_set_block_profile_rate(1);
    INSIDE(prof_blocked(1000, NULL));
    INSIDE(prof_blocked(-5, NULL)); /* counters of two CPUs: as 1 */
    INSIDE(prof_blocked(0, NULL));
    gort_block_profile_record all = sum(gort_block_profile);
    cr_expect_eq(all.count, 3);
    cr_expect_eq(all.cycles, 1002);
    gort_set_block_profile_rate(0);
    INSIDE(prof_blocked(1000, NULL));
    gort_set_block_profile_rate(-1);
    INSIDE(prof_blocked(1000, NULL));
    cr_expect_eq(sum(gort_block_profile).count, 3, "off");
}
Test(block_profile, takes_every_wait_at_rate_1_and_none_at_0)
{
    cr_expect_eq(in_gort(everything), 0);
}

/* Short waits of a tenth of the rate: a tenth is kept, each standing for ten. */
static void short_ones(void)
{
    enum { N = 100000 };
    double ticks = (double)prof_ticks_per_second() / 1e9;
    gort_set_block_profile_rate(1000000);
    int64_t rate = (int64_t)(1000000 * ticks);
    for (int i = 0; i < N; i++)
        INSIDE(prof_blocked(rate / 10, NULL));
    gort_block_profile_record all = sum(gort_block_profile);
    /* the number kept has a standard deviation of 95 of 10000: six are 6% */
    cr_expect(llabs(all.count - N) < N * 6 / 100, "%ld", (long)all.count);
    double cycles = (double)N * (double)rate / 10;
    cr_expect((double)llabs(all.cycles - (int64_t)cycles) < cycles * 0.06, "%ld", (long)all.cycles);
    INSIDE(prof_blocked(rate * 5, NULL));
    cr_expect_eq(sum(gort_block_profile).cycles - all.cycles, rate * 5,
                 "long ones are kept as they are");
}
Test(block_profile, samples_short_waits_without_bias)
{
    cr_expect_eq(in_gort(short_ones), 0);
}

static void fractions(void)
{
    enum { N = 50000, RATE = 20 };
    cr_expect_eq(gort_set_mutex_profile_fraction(RATE), 0);
    for (int i = 0; i < N; i++)
        INSIDE(prof_contended(1, 100, NULL));
    gort_block_profile_record all = sum(gort_mutex_profile);
    /* 2500 are kept, standard deviation 49: six are 12% */
    cr_expect(llabs(all.count - N) < N * 12 / 100, "%ld", (long)all.count);
    cr_expect_eq(all.count % RATE, 0);
    cr_expect_eq(all.cycles, all.count * 100);
    cr_expect_eq(gort_set_mutex_profile_fraction(1), RATE);
    INSIDE(prof_contended(10, 1000, NULL));
    cr_expect_eq(sum(gort_mutex_profile).count, all.count + 10);
    cr_expect_eq(sum(gort_mutex_profile).cycles, all.cycles + 1000);
    cr_expect_eq(sum(gort_block_profile).count, 0);
}
Test(mutex_profile, takes_a_fraction_of_unlocks_and_multiplies_it)
{
    cr_expect_eq(in_gort(fractions), 0);
}

static void fits(void)
{
    int n = 0;
    gort_set_block_profile_rate(1);
    cr_expect(gort_block_profile(NULL, 0, &n));
    cr_expect_eq(n, 0);
    INSIDE(prof_blocked(1, NULL));
    gort_block_profile_record r = {.count = 77};
    cr_expect_not(gort_block_profile(&r, 0, &n));
    cr_expect_eq(n, 1);
    cr_expect_eq(r.count, 77, "nothing is copied");
}
Test(block_profile, says_how_many_records_there_are)
{
    cr_expect_eq(in_gort(fits), 0);
}

static void ticks(void)
{
    int64_t hz = prof_ticks_per_second();
    cr_expect_gt(hz, 1000000);
    cr_expect_eq(prof_ticks_per_second(), hz, "measured once");
}
Test(cycles, are_measured_once)
{
    cr_expect_eq(in_gort(ticks), 0);
}

static void buckets(void)
{
    uintptr_t pcs[100];
    for (int i = 0; i < 100; i++)
        pcs[i] = (uintptr_t)(i + 1);
    struct bucket *b = bucket_of(BUCKET_BLOCK, 0, pcs, 100);
    cr_expect_eq(b->n, BUCKET_FRAMES);
    cr_expect_eq(bucket_of(BUCKET_BLOCK, 0, pcs, BUCKET_FRAMES), b);
    cr_expect_neq(bucket_of(BUCKET_MUTEX, 0, pcs, BUCKET_FRAMES), b);
    cr_expect_neq(bucket_of(BUCKET_HEAP, 0, pcs, BUCKET_FRAMES), b);
    cr_expect_neq(bucket_of(BUCKET_BLOCK, 0, pcs, 3), b);
    cr_expect_eq(bucket_newest(BUCKET_BLOCK)->n, 3);
    cr_expect_eq(bucket_newest(BUCKET_BLOCK)->older, b);
    cr_expect_eq(bucket_of(BUCKET_BLOCK, 0, NULL, 0)->n, 0, "no stack is one, too");
}
Test(buckets, are_one_for_each_kind_and_stack)
{
    cr_expect_eq(in_gort(buckets), 0);
}
