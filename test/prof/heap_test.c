/* The memory profile: which births and deaths are shown when. */
#include "prof/prof.h"

#include "sched/sched.h"
#include "support.h"

#include <gort/prof.h>

#include <criterion/criterion.h>
#include <string.h>

static const uintptr_t here[] = {0x1000, 0x2000}, there[] = {0x1000, 0x3000};

/* The record of this stack and size; all zero if there is none. */
static gort_mem_profile_record record(const uintptr_t *pcs, int64_t bytes, bool inuse_zero)
{
    static gort_mem_profile_record r[100];
    gort_mem_profile_record none;
    int n = 0;
    memset(&none, 0, sizeof none);
    cr_expect(gort_mem_profile(r, 100, inuse_zero, &n));
    for (int i = 0; i < n; i++)
        if (memcmp(r[i].stack0, pcs, 2 * sizeof pcs[0]) == 0 && r[i].stack0[2] == 0 &&
            r[i].alloc_bytes == r[i].alloc_objects * bytes)
            return r[i];
    return none;
}

static void *born(size_t bytes, const uintptr_t *pcs, size_t n)
{
    void *bucket;
    INSIDE(bucket = prof_heap_born(bytes, pcs, n));
    return bucket;
}

static void cycle(void)
{
    INSIDE(prof_heap_cycle());
    INSIDE(prof_heap_publish());
}

static void keys(void)
{
    void *a = born(48, here, 2);
    cr_expect_eq(born(48, here, 2), a);
    cr_expect_neq(born(64, here, 2), a);
    cr_expect_neq(born(48, there, 2), a);
    cr_expect_neq(born(48, here, 1), a);
    cr_expect_eq(record(here, 48, true).alloc_objects, 2);
    cr_expect_eq(record(here, 48, true).alloc_bytes, 96);
    cr_expect_eq(record(here, 64, true).alloc_objects, 1);
}
Test(heap_profile, keeps_stacks_and_sizes_apart)
{
    cr_expect_eq(in_gort(keys), 0);
}

static void delay(void)
{
    void *a = born(48, here, 2);
    cr_expect_eq(record(here, 48, true).alloc_objects, 1, "before any collection all is shown");
    cycle();
    (void)born(48, here, 2);
    cr_expect_eq(record(here, 48, true).alloc_objects, 1);
    cycle();
    INSIDE(prof_heap_freed(a, 48));
    cr_expect_eq(record(here, 48, true).alloc_objects, 1);
    cycle();
    gort_mem_profile_record r = record(here, 48, true);
    cr_expect_eq(r.alloc_objects, 2);
    cr_expect_eq(r.free_objects, 1);
    cr_expect_eq(gort_mem_profile_record_inuse_objects(&r), 1);
    cr_expect_eq(gort_mem_profile_record_inuse_bytes(&r), 48);
}
Test(heap_profile, shows_births_after_two_cycles_and_deaths_after_one)
{
    cr_expect_eq(in_gort(delay), 0);
}

static void after_collection(void)
{
    void *a = born(48, here, 2);
    cycle();
    INSIDE(prof_heap_publish_swept());
    (void)born(48, here, 2);
    cycle();
    INSIDE(prof_heap_freed(a, 48));
    cr_expect_eq(record(here, 48, true).free_objects, 0);
    INSIDE(prof_heap_publish_swept());
    cr_expect_eq(record(here, 48, true).alloc_objects, 2);
    cr_expect_eq(record(here, 48, true).free_objects, 1);
}
Test(heap_profile, shows_a_forced_collection_at_once)
{
    cr_expect_eq(in_gort(after_collection), 0);
}

static void counting(void)
{
    gort_mem_profile_record r[100];
    int all = 0, used = 0, n = 0, frames;
    void *a = born(48, here, 2);
    (void)born(64, there, 2);
    INSIDE(prof_heap_freed(a, 48));
    cr_expect_not(gort_mem_profile(NULL, 0, true, &all));
    cr_expect_not(gort_mem_profile(NULL, 0, false, &used));
    cr_expect_eq(used, all - 1);
    cr_expect(gort_mem_profile(r, all, true, &n) && n == all);
    cr_expect_eq(r[0].alloc_bytes, 64, "the newest first");
    cr_expect_eq(gort_mem_profile_record_stack(&r[0], &frames)[1], there[1]);
    cr_expect_eq(frames, 2);
}
Test(heap_profile, leaves_out_what_is_all_freed_and_says_how_many_there_are)
{
    cr_expect_eq(in_gort(counting), 0);
}
