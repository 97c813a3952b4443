/* The page heap: cutting, merging, growing; and the way from a word to a span. */
#include "mem/mem.h"

#include "base/rand.h"
#include "conf/conf.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

static struct mem_usage usage(void)
{
    struct mem_usage u;
    mem_usage_read(&u);
    return u;
}

static struct span *take(size_t npages)
{
    struct span *s = pages_take(npages, 0, OBJ_NOSCAN);
    cr_assert_not_null(s);
    span_check(s);
    return s;
}

static void setup(void)
{
    mem_cache_new();
}

TestSuite(pages, .init = setup);

Test(pages, heap_grows_by_4_mib)
{
    take(1);
    cr_expect_eq(usage().heap_sys, 4u << 20);
    cr_expect_eq(usage().heap_inuse, PAGE_BYTES);
    cr_expect_eq(usage().heap_released, (4u << 20) - PAGE_BYTES);
    take(511);
    cr_expect_eq(usage().heap_sys, 4u << 20);
    take(513);
    cr_expect_eq(usage().heap_sys, 12u << 20);
    pages_check();
}

Test(pages, neighbours_merge_in_any_order_of_freeing)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        struct span *s[3];
        for (int k = 0; k < 3; k++)
            s[k] = take(100);
        for (int k = 0; k < 3; k++) {
            pages_put(s[orders[i][k]]);
            pages_check();
        }
        cr_expect_eq(usage().heap_inuse, 0u);
        struct span *all = take(512); /* fits only if all is one run again */
        cr_expect_eq(usage().heap_sys, 4u << 20);
        pages_put(all);
    }
}

Test(pages, of_one_length_are_found_again)
{
    struct span *big = take(12345), *wall = take(1);
    uintptr_t base = big->base;
    pages_put(big);
    cr_expect_eq(take(12345)->base, base);
    (void)wall;
    pages_check();
}

Test(pages, used_before_need_zeroing_and_untouched_ones_do_not)
{
    struct span *s = take(4);
    cr_expect_not(s->needzero);
    memset((void *)s->base, 1, 4 * PAGE_BYTES);
    pages_put(s);
    cr_expect(take(4)->needzero);
}

Test(pages, larger_than_an_arena)
{
    struct span *s = take(3 * ARENA_PAGES + 5);
    for (size_t i = 0; i < s->npages; i += 1000)
        cr_expect_eq(arena_span(s->base + i * PAGE_BYTES + 4097), s);
    cr_expect_eq(arena_span(s->base + s->npages * PAGE_BYTES - 1), s);
    cr_expect_eq(s->base % PAGE_BYTES, 0u);
    pages_put(s);
    pages_check();
}

Test(pages, too_many_are_refused)
{
    cr_expect_null(pages_take(HEAP_MAX / PAGE_BYTES, 0, OBJ_NOSCAN));
    cr_expect_null(pages_take(SIZE_MAX / PAGE_BYTES, 0, OBJ_NOSCAN));
    pages_check();
}

Test(pages, words_that_are_no_pointers_have_no_span)
{
    struct span *s = take(2);
    uint64_t rand = 42;
    static char data[64];
    int local = 0;
    cr_expect_null(arena_span(0));
    cr_expect_null(arena_span(UINTPTR_MAX));
    cr_expect_null(arena_span(HEAP_MAX));
    cr_expect_null(arena_span((uintptr_t)data));
    cr_expect_null(arena_span((uintptr_t)&local));
    cr_expect_null(arena_span(s->base - 1));
    cr_expect_null(arena_span(s->base + 2 * PAGE_BYTES)); /* a free run behind it */
    for (int i = 0; i < 1000000; i++) {
        uintptr_t word = (uintptr_t)rand_next(&rand) << 32 | rand_next(&rand);
        cr_assert_null(arena_span(word));
    }
    uintptr_t base = s->base;
    pages_put(s);
    cr_expect_null(arena_span(base));
    cr_expect_null(arena_span(base + PAGE_BYTES));
}

Test(pages, with_and_without_pointers_lie_in_arenas_of_their_own)
{
    for (int i = 0; i < 100; i++) {
        struct span *a = pages_take(7, 0, OBJ_NOSCAN);
        struct span *b = pages_take(7, 0, i % 2 ? OBJ_PRECISE : OBJ_CONSERVATIVE);
        cr_assert(arena_of(a->base)->noscan);
        cr_assert(!arena_of(b->base)->noscan);
    }
    cr_expect_eq(usage().heap_inuse, 1400 * PAGE_BYTES);
    cr_expect_eq(usage().heap_sys, 16u << 20);
    pages_check();
}

static void add_extent(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    size_t *bytes = arg;
    cr_expect_eq(lo, a->base);
    *bytes += hi - lo;
}

Test(pages, the_parts_of_arenas_in_use_are_the_heap)
{
    take(1);
    take(600);
    pages_take(3, 0, OBJ_CONSERVATIVE);
    take(ARENA_PAGES + 1);
    size_t bytes = 0;
    arena_each(add_extent, &bytes);
    cr_expect_eq(bytes, usage().heap_sys);
}

Test(pages, that_cost_memory_already_are_taken_first)
{
    struct span *s = take(8), *wall = take(1);
    uintptr_t base = s->base;
    pages_put(s);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(take(2)->base, base + (uintptr_t)i * 2 * PAGE_BYTES);
    (void)wall;
}

Test(pages, behind_a_fence_fault_and_never_come_back, .signal = SIGSEGV)
{
    knobs.efence = 1;
    struct span *s = take(3);
    uintptr_t base = s->base;
    *(char *)base = 1;
    pages_put(s);
    pages_check();
    cr_expect_eq(usage().heap_inuse, 0u);
    cr_expect_eq(usage().heap_released, usage().heap_sys);
    for (int i = 0; i < 3000; i++) {
        uintptr_t next = take(1)->base;
        cr_assert(next < base || next >= base + 3 * PAGE_BYTES);
    }
    *(volatile char *)base = 1;
}

enum { GROWERS = 4, GROWN = 400 };

static void *grower(void *arg)
{
    uintptr_t kind = (uintptr_t)arg % OBJ_KINDS;
    for (int i = 0; i < GROWN; i++) {
        struct span *s = pages_take(64, 0, (enum obj_kind)kind);
        *(volatile uint64_t *)s->base = (uintptr_t)arg;
        if (i % 4 == 0)
            pages_put(s);
    }
    return NULL;
}

Test(pages, threads_grow_the_heap_together)
{
    pthread_t t[GROWERS];
    for (uintptr_t i = 0; i < GROWERS; i++)
        pthread_create(&t[i], NULL, grower, (void *)i);
    for (int i = 0; i < GROWERS; i++)
        pthread_join(t[i], NULL);
    pages_check();
    cr_expect_eq(usage().heap_inuse, (uint64_t)GROWERS * GROWN * 3 / 4 * 64 * PAGE_BYTES);
    cr_expect_eq(mem_heap_retained(), usage().heap_sys - usage().heap_released);
}

enum { LIVE = 300, STEPS = 100000 };

/* A model: each live span carries its number in its first word, and none overlap. */
Test(pages, random_taking_and_putting_keeps_spans_apart)
{
    static struct span *live[LIVE];
    uint64_t rand = 7;
    for (int i = 0; i < STEPS; i++) {
        uint32_t k = rand_below(&rand, LIVE);
        if (live[k] != NULL) {
            uintptr_t last = live[k]->base + live[k]->npages * PAGE_BYTES - 8;
            cr_assert_eq(*(uint64_t *)live[k]->base, k);
            cr_assert_eq(*(uint64_t *)last, k);
            cr_assert_eq(arena_span(last), live[k]);
            pages_put(live[k]);
            live[k] = NULL;
        } else {
            uint32_t log = rand_below(&rand, 9);
            live[k] = take(1 + rand_below(&rand, 1u << log));
            *(uint64_t *)(live[k]->base + live[k]->npages * PAGE_BYTES - 8) = k;
            *(uint64_t *)live[k]->base = k;
        }
        if (i % 1000 == 0)
            pages_check();
    }
    cr_expect(usage().heap_sys < 1u << 29);
}
