/* Free pages go back to the system: which, how many, and what they are when they are used again. */
#include "mem/mem.h"

#include "base/rand.h"
#include "conf/conf.h"
#include "support.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MANY ((size_t)1 << 40)

static struct mem_usage usage(void)
{
    struct mem_usage u;
    mem_usage_read(&u);
    cr_expect_leq(u.heap_released, u.heap_sys - u.heap_inuse);
    cr_expect_eq(mem_heap_retained(), u.heap_sys - u.heap_released);
    return u;
}

static struct span *take_kind(size_t npages, enum obj_kind kind)
{
    struct span *s = pages_take(npages, 0, kind);
    cr_assert_not_null(s);
    memset((void *)s->base, 0x5a, npages * PAGE_BYTES);
    return s;
}

static struct span *take(size_t npages)
{
    return take_kind(npages, OBJ_NOSCAN);
}

static bool resident(uintptr_t base, size_t npages)
{
    unsigned char in[16 * 1024];
    cr_assert_eq(mincore((void *)base, npages * PAGE_BYTES, in), 0);
    for (size_t i = 0; i < npages * PAGE_BYTES / 4096; i++)
        if (in[i] & 1)
            return true;
    return false;
}

static bool is_zero(uintptr_t base, size_t bytes)
{
    const uint64_t *p = (const uint64_t *)base;
    for (size_t i = 0; i < bytes / 8; i++)
        if (p[i] != 0)
            return false;
    return true;
}

static void setup(void)
{
    mem_cache_new();
}

TestSuite(scavenge, .init = setup);

Test(scavenge, nothing_is_free_at_the_start)
{
    take(5);
    cr_expect_eq(scavenge_some(MANY), 0u);
    cr_expect_eq(scavenge_all(), 0u);
    pages_check();
}

Test(scavenge, all_of_both_heaps_goes_back_and_reads_as_zero)
{
    struct span *a = take(100), *b = take_kind(50, OBJ_CONSERVATIVE), *kept = take(1);
    uintptr_t base = a->base;
    pages_put(a);
    pages_put(b);
    cr_expect_eq(usage().heap_sys - usage().heap_released, 151 * PAGE_BYTES);
    cr_expect_eq(scavenge_all(), 150 * PAGE_BYTES);
    cr_expect_eq(usage().heap_sys - usage().heap_released, PAGE_BYTES);
    cr_expect_not(resident(base, 100));
    cr_expect(resident(kept->base, 1));
    cr_expect_eq(scavenge_all(), 0u);
    pages_check();
    struct span *again = pages_take(100, 0, OBJ_NOSCAN);
    cr_expect_not(again->needzero);
    cr_expect(is_zero(again->base, 100 * PAGE_BYTES));
}

Test(scavenge, no_more_goes_back_than_was_asked_for)
{
    pages_put(take(100));
    cr_expect_eq(scavenge_some(10 * PAGE_BYTES), 10 * PAGE_BYTES);
    cr_expect_eq(scavenge_some(1), PAGE_BYTES);
    pages_check();
    cr_expect_eq(usage().heap_sys - usage().heap_released, 89 * PAGE_BYTES);
    struct span *s = pages_take(100, 0, OBJ_NOSCAN); /* one run still, clean and dirty pages */
    cr_expect(s->needzero);
    cr_expect_eq(usage().heap_sys - usage().heap_released, 100 * PAGE_BYTES);
}

Test(scavenge, the_longest_run_goes_first)
{
    struct span *small = take(3), *wall = take(1), *large = take(200), *end = take(1);
    uintptr_t a = small->base, b = large->base;
    pages_put(small);
    pages_put(large);
    cr_expect_eq(scavenge_some(200 * PAGE_BYTES), 200 * PAGE_BYTES);
    cr_expect(resident(a, 3));
    cr_expect_not(resident(b, 200));
    (void)wall, (void)end;
}

Test(scavenge, neighbours_in_use_keep_what_they_hold)
{
    enum { SPANS = 400 };
    struct span *s[SPANS];
    for (int i = 0; i < SPANS; i++)
        s[i] = take(1 + (size_t)i % 5);
    for (int i = 0; i < SPANS; i += 2)
        pages_put(s[i]);
    scavenge_all();
    pages_check();
    for (int i = 1; i < SPANS; i += 2)
        for (size_t k = 0; k < s[i]->npages * PAGE_BYTES; k++)
            cr_assert_eq(((char *)s[i]->base)[k], 0x5a);
}

/* From 16 MiB on, whole huge pages go back. */
Test(scavenge, of_a_large_heap_goes_back_too)
{
    struct span *big = take(8192), *rest = take(3000);
    pages_put(big);
    pages_put(rest);
    size_t n = scavenge_some(64 << 10);
    cr_expect(n >= 64 << 10 && n <= 2 << 20);
    pages_check();
    cr_expect_eq(scavenge_all(), 11192 * PAGE_BYTES - n);
    cr_expect_eq(usage().heap_released, usage().heap_sys);
}

Test(scavenge, given_back_lazily_is_zeroed_when_used_again)
{
    knobs.madvdontneed = 0;
    pages_put(take(64));
    cr_expect_eq(scavenge_all(), 64 * PAGE_BYTES);
    cr_expect_eq(usage().heap_released, usage().heap_sys);
    cr_expect(pages_take(64, 0, OBJ_NOSCAN)->needzero);
}

Test(scavenge, after_a_hard_decommit_access_faults, .signal = SIGSEGV)
{
    knobs.harddecommit = 1;
    struct span *s = take(10);
    uintptr_t base = s->base;
    pages_put(s);
    cr_expect_eq(scavenge_all(), 10 * PAGE_BYTES);
    *(volatile char *)base = 1;
}

Test(scavenge, after_a_hard_decommit_pages_are_used_again)
{
    knobs.harddecommit = 1;
    for (int round = 0; round < 20; round++) {
        struct span *a = take(10 + (size_t)round), *b = take(3);
        pages_put(a);
        scavenge_some(PAGE_BYTES * (size_t)round);
        pages_put(b);
        scavenge_all();
        pages_check();
    }
    cr_expect_eq(usage().heap_released, usage().heap_sys);
}

Test(scavenge, what_the_program_locked_stays_and_is_zeroed)
{
    struct span *s = take(10);
    if (syscall(SYS_mlock, s->base, 10 * PAGE_BYTES) != 0) /* mlock does nothing under asan */
        return;
    pages_put(s);
    cr_expect_eq(scavenge_all(), 0u);
    pages_check();
    cr_expect_eq(usage().heap_sys - usage().heap_released, 10 * PAGE_BYTES);
    cr_expect(pages_take(10, 0, OBJ_NOSCAN)->needzero);
}

Test(scavenge, the_background_stops_at_its_goal)
{
    pages_put(take(1000));
    cr_expect_eq(scavenge_background(1 << 20), 0u); /* there was no cycle yet */
    scavenge_goal(400 * PAGE_BYTES);
    scavenge_sleep(); /* returns: there is something to do */
    while (scavenge_background(64 << 10) > 0)
        ;
    cr_expect_leq(mem_heap_retained(), 400 * PAGE_BYTES);
    cr_expect_gt(mem_heap_retained(), 100 * PAGE_BYTES);
}

Test(scavenge, the_background_begins_below_the_limit)
{
    pages_put(take(1000));
    uint64_t ready = mem_mapped_ready();
    scavenge_limit(ready + ready / 10);
    cr_expect_eq(scavenge_background(1 << 20), 0u);
    scavenge_limit(ready + 1);
    cr_expect_gt(scavenge_background(1 << 20), 0u);
    scavenge_limit(UINT64_MAX);
    cr_expect_eq(scavenge_background(1 << 20), 0u);
}

Test(scavenge, allocation_beyond_the_limit_gives_back_first)
{
    struct span *s = take(600);
    take_kind(1, OBJ_CONSERVATIVE);
    pages_put(s);
    scavenge_limit(mem_mapped_ready() + 100 * PAGE_BYTES);
    struct span *more = pages_take(500, 0, OBJ_CONSERVATIVE);
    cr_expect_not_null(more);
    cr_expect_leq(usage().heap_sys - usage().heap_released, 701 * PAGE_BYTES);
    pages_check();
}

Test(scavenge, growth_beyond_the_goal_gives_back_as_much)
{
    pages_put(take(600));
    scavenge_goal(1);
    pages_take(600, 0, OBJ_CONSERVATIVE);
    cr_expect_eq(usage().heap_sys - usage().heap_released, 600 * PAGE_BYTES);
}

static void trace_lines(void)
{
    mem_cache_new();
    struct span *s = take(75);
    take(25);
    pages_put(s);
    scavenge_goal(52 * PAGE_BYTES);
    while (scavenge_background(64 << 10) > 0)
        ;
    scavenge_trace(false);
    scavenge_trace(false);
    scavenge_all();
    scavenge_trace(true);
}

Test(scavenge, the_lines_of_scavtrace)
{
    char *output;
    int status;
    run_forked(trace_lines, &output, &status);
    cr_expect_eq(status, 0);
    cr_expect_str_eq(output, "scav 384 KiB work, 3680 KiB total, 48% util\n"
                             "scav 0 KiB work, 3680 KiB total, 48% util\n"
                             "scav 216 KiB work, 3896 KiB total, 100% util (forced)\n");
    free(output);
}

enum { THREADS = 3, LIVE = 100, STEPS = 6000 };
static au32 stop;

static void *scavenger(void *arg)
{
    (void)arg;
    while (load_acq(&stop) == 0) {
        scavenge_some(256 << 10);
        pages_check();
    }
    return NULL;
}

/* Each live span carries its number at both ends; a fresh one that says so reads as zero. */
static void *mutator(void *arg)
{
    uint64_t rand = (uintptr_t)arg + 1;
    struct span *live[LIVE] = {0};
    for (int i = 0; i < STEPS; i++) {
        uint32_t k = rand_below(&rand, LIVE);
        if (live[k] == NULL) {
            struct span *s = live[k] = pages_take(1 + rand_below(&rand, 40), 0,
                                                  (enum obj_kind)rand_below(&rand, OBJ_KINDS));
            if (!s->needzero)
                cr_assert(is_zero(s->base, s->npages * PAGE_BYTES));
            memset((void *)s->base, (int)k + 1, s->npages * PAGE_BYTES);
        } else {
            struct span *s = live[k];
            cr_assert_eq(*(unsigned char *)s->base, k + 1);
            cr_assert_eq(*(unsigned char *)(s->base + s->npages * PAGE_BYTES - 1), k + 1);
            pages_put(s);
            live[k] = NULL;
        }
    }
    return NULL;
}

Test(scavenge, while_others_take_and_put)
{
    pthread_t t[THREADS + 1];
    pthread_create(&t[THREADS], NULL, scavenger, NULL);
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&t[i], NULL, mutator, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    store_rel(&stop, 1u); /* pairs with load_acq above */
    pthread_join(t[THREADS], NULL);
    pages_check();
    usage();
}
