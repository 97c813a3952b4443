/* Spans, caches and the central lists: which slots are handed out, and which words are objects. */
#include "mem/mem.h"

#include <gort/prof.h>

#include <criterion/criterion.h>
#include <string.h>

static struct cache *cache;

static void setup(void)
{
    gort_mem_profile_rate = 0; /* there is no M to draw for */
    cache = mem_cache_new();
}

TestSuite(cache, .init = setup);

static uintptr_t take(enum obj_kind kind, unsigned class)
{
    struct slot *s = &cache->slot[kind][class];
    void *p = cache_pop(s);
    if (p == NULL) {
        cr_assert(cache_refill(cache, kind, class));
        p = cache_pop(s);
    }
    cr_assert_not_null(p);
    return (uintptr_t)p;
}

static void expect_object(uintptr_t word, uintptr_t base, size_t bytes)
{
    struct object o;
    cr_assert(arena_find_object(word, &o));
    cr_assert_eq(o.base, base);
    cr_assert_eq(o.bytes, bytes);
}

static bool is_object(uintptr_t word)
{
    struct object o;
    return arena_find_object(word, &o);
}

Test(cache, interior_words_of_every_class_find_their_object)
{
    for (unsigned c = 1; c < CLASSES; c++) {
        size_t bytes = class_bytes[c];
        for (int i = 0; i < class_slots[c]; i++) {
            uintptr_t p = take(OBJ_NOSCAN, c);
            for (size_t at = 0; at < bytes; at += 1 + bytes / 50)
                expect_object(p + at, p, bytes);
            expect_object(p + bytes - 1, p, bytes);
        }
    }
}

Test(cache, slots_not_handed_out_are_no_objects)
{
    uintptr_t p = take(OBJ_CONSERVATIVE, 5);
    cr_expect(is_object(p));
    cr_expect_not(is_object(p + 48));
    cr_expect_not(is_object(p + 169 * 48));
    cr_expect_not(is_object(p + 170 * 48)); /* behind the last slot */
    mem_cache_flush(cache);
    cr_expect(is_object(p));
    cr_expect_not(is_object(p + 48));
    cr_expect_eq(take(OBJ_CONSERVATIVE, 5), p + 48); /* the span comes back from central */
    cr_expect(is_object(p + 48));
}

Test(cache, flushing_counts_what_was_handed_out)
{
    struct mem_usage u;
    for (int i = 0; i < 1000; i++)
        take(OBJ_NOSCAN, 12);
    mem_cache_flush_all();
    mem_usage_read(&u);
    cr_expect_eq(u.taken[12], 1000u);
    mem_cache_flush_all();
    mem_usage_read(&u);
    cr_expect_eq(u.taken[12], 1000u);
}

Test(cache, kinds_do_not_share_spans)
{
    struct span *a = arena_span(take(OBJ_NOSCAN, 6)), *b = arena_span(take(OBJ_PRECISE, 6));
    struct span *c = arena_span(take(OBJ_CONSERVATIVE, 6));
    cr_expect(a != b && b != c && a != c);
    cr_expect_eq(a->kind, OBJ_NOSCAN);
    cr_expect_eq(b->kind, OBJ_PRECISE);
    cr_expect_eq(c->kind, OBJ_CONSERVATIVE);
}

static void count(struct span *s, void *arg)
{
    span_check(s);
    ++*(int *)arg;
}

Test(cache, full_and_flushed_spans_are_in_the_central_lists)
{
    int n = 0;
    for (int i = 0; i < 3 * 64 + 1; i++)
        take(OBJ_NOSCAN, 10);
    central_each(10, OBJ_NOSCAN, count, &n);
    cr_expect_eq(n, 3);
    mem_cache_flush(cache);
    n = 0;
    central_each(10, OBJ_NOSCAN, count, &n);
    cr_expect_eq(n, 4);
}

/* A cycle that finds just these. */
static void cycle(const uintptr_t *alive, int n)
{
    mem_mark_start();
    for (int i = 0; i < n; i++) {
        struct object o;
        cr_assert(arena_find_object(alive[i], &o));
        span_mark(o.span, o.slot, o.slot + 1);
    }
    mem_cache_check(cache);
    mem_mark_end();
}

Test(cache, holes_are_found_and_zeroed)
{
    uintptr_t alive[128];
    int n = 0;
    uintptr_t first = take(OBJ_PRECISE, 6); /* 64 bytes, 128 slots */
    struct span *s = arena_span(first);
    for (uint32_t i = 1; i < 128; i++)
        take(OBJ_PRECISE, 6);
    memset((void *)s->base, 0xff, PAGE_BYTES);
    for (uint32_t i = 0; i < 128; i++)
        if (i % 5 != 0 && i != 64 && i != 66)
            alive[n++] = s->base + i * 64;
    cycle(alive, n);
    while (mem_sweep(1) > 0) {
    }
    for (uint32_t i = 0; i < 128; i++) {
        if (i % 5 != 0 && i != 64 && i != 66) {
            expect_object(s->base + i * 64, s->base + i * 64, 64);
            continue;
        }
        cr_expect_not(is_object(s->base + i * 64));
        uintptr_t p = take(OBJ_PRECISE, 6);
        cr_assert_eq(p, s->base + i * 64);
        for (int k = 0; k < 64; k++)
            cr_assert_eq(((char *)p)[k], 0);
    }
    cr_expect_neq(arena_span(take(OBJ_PRECISE, 6)), s);
    cr_expect_eq(*(unsigned char *)(s->base + 64), 0xff);
}

Test(cache, objects_are_born_marked_while_marking)
{
    uintptr_t before = take(OBJ_CONSERVATIVE, 7);
    mem_mark_start();
    uintptr_t rest = take(OBJ_CONSERVATIVE, 7), other = take(OBJ_PRECISE, 9);
    struct span *large = mem_large_take(100000, OBJ_NOSCAN);
    mem_cache_check(cache);
    mem_mark_end();
    while (mem_sweep(10) > 0) {
    }
    cr_expect_not(is_object(before));
    cr_expect(is_object(rest));
    cr_expect_not(is_object(rest + 80)); /* marked, and never handed out */
    cr_expect(is_object(other));
    cr_expect(is_object(large->base + 99999));
    central_check();
    cycle(NULL, 0); /* they are ordinary objects afterwards */
    while (mem_sweep(10) > 0) {
    }
    cr_expect_not(is_object(rest));
    cr_expect_not(is_object(other));
    pages_check();
}

Test(cache, a_cycle_takes_the_tiny_block_away)
{
    cache->tiny_next = take(OBJ_NOSCAN, CLASS_TINY);
    cache->tiny_end = cache->tiny_next + TINY_BYTES;
    cycle(NULL, 0);
    cr_expect(cache->tiny_next == 0 && cache->tiny_end == 0);
}

Test(cache, one_slot_may_be_flushed_alone)
{
    uintptr_t p = take(OBJ_NOSCAN, 5), q = take(OBJ_NOSCAN, 6);
    mem_cache_flush_slot(cache, OBJ_NOSCAN, 5);
    cr_expect_null(cache->slot[OBJ_NOSCAN][5].span);
    cr_expect_not(is_object(p + 48));
    cr_expect_eq(take(OBJ_NOSCAN, 6), q + 64);
    cr_expect_eq(take(OBJ_NOSCAN, 5), p + 48);
    mem_cache_check(cache);
}

Test(cache, large_objects_have_their_own_span)
{
    struct span *s = mem_large_take(SMALL_MAX + 1, OBJ_CONSERVATIVE);
    expect_object(s->base, s->base, 5 * PAGE_BYTES);
    expect_object(s->base + 5 * PAGE_BYTES - 1, s->base, 5 * PAGE_BYTES);
    cr_expect_null(mem_large_take(HEAP_MAX, OBJ_NOSCAN));
    cr_expect_null(mem_large_take(SIZE_MAX, OBJ_NOSCAN));
}

/* Who asks from another thread may see the old end of a run, and where the next one begins: none, or one of
 * another span. */
Test(cache, a_run_of_which_half_is_old_hides_no_object)
{
    enum { CLASS = 5 };
    uintptr_t other = take(OBJ_CONSERVATIVE, CLASS + 1), p = take(OBJ_CONSERVATIVE, CLASS);
    struct slot *s = &cache->slot[OBJ_CONSERVATIVE][CLASS];
    uintptr_t next = load_rlx(&s->next), end = load_rlx(&s->end);
    cr_assert(other < p && p < end);
    store_rlx(&s->next, (uint64_t)0);
    cr_expect(is_object(p));
    store_rlx(&s->next, (uint64_t)other);
    cr_expect(is_object(p));
    store_rlx(&s->next, (uint64_t)next);
    store_rlx(&s->end, (uint64_t)(end + PAGE_BYTES));
    cr_expect(is_object(p));
    store_rlx(&s->end, (uint64_t)end);
    mem_cache_check(cache);
}
