/* What happens to objects that marking did not reach; the cycles are made by hand. */
#include "gc/gc_int.h"

#include "conf/conf.h"

#include <gort/prof.h>

#include <criterion/criterion.h>
#include <string.h>

static struct cache *cache;

static void setup(void)
{
    gort_mem_profile_rate = 0; /* there is no M to draw for */
    cache = mem_cache_new();
}

TestSuite(sweep, .init = setup);

static uintptr_t take(enum obj_kind kind, unsigned class)
{
    struct slot *s = &cache->slot[kind][class];
    void *p = cache_pop(s);
    if (p == NULL) {
        cr_assert(cache_refill(cache, kind, class));
        p = cache_pop(s);
    }
    return (uintptr_t)p;
}

static void cycle(const uintptr_t *alive, size_t n)
{
    mem_mark_start();
    for (size_t i = 0; i < n; i++) {
        struct object o;
        cr_assert(arena_find_object(alive[i], &o));
        span_mark(o.span, o.slot, o.slot + 1);
    }
    mem_mark_end();
    sweep_all();
    cr_expect(mem_sweep_done());
    central_check();
    pages_check();
}

static uint64_t freed(unsigned class)
{
    struct sweep_counts c;
    sweep_counts(&c);
    return c.freed[class];
}

static bool is_object(uintptr_t word)
{
    struct object o;
    return arena_find_object(word, &o);
}

Test(sweep, counts_every_object_once)
{
    uintptr_t keep[1000];
    struct sweep_counts c;
    struct mem_usage u;
    for (int i = 0; i < 3000; i++) {
        uintptr_t p = take(OBJ_CONSERVATIVE, 8);
        if (i % 3 == 0)
            keep[i / 3] = p;
    }
    mem_large_take(100000, OBJ_NOSCAN);
    cycle(keep, 1000);
    cr_expect_eq(freed(8), 2000u);
    cycle(keep, 1000);
    cr_expect_eq(freed(8), 2000u);
    cycle(keep, 10);
    cr_expect_eq(freed(8), 2990u);
    cycle(NULL, 0);
    sweep_counts(&c);
    mem_usage_read(&u);
    for (unsigned i = 0; i < CLASSES; i++)
        cr_expect_eq(c.freed[i], u.taken[i]);
    cr_expect_eq(c.freed_large_bytes, u.large_bytes);
    cr_expect_eq(u.heap_inuse, 0u);
}

static bool clobbered(uintptr_t p, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += 4)
        if (*(uint32_t *)(p + at) != 0xdeadbeef)
            return false;
    return true;
}

Test(sweep, overwrites_the_dead_when_asked)
{
    uintptr_t p[128];
    knobs.clobberfree = 1;
    for (int i = 0; i < 128; i++) {
        p[i] = take(OBJ_PRECISE, 6);
        memset((void *)p[i], 0x11, 64);
    }
    uintptr_t keep[] = {p[3], p[64], p[127]};
    struct span *large = mem_large_take(100000, OBJ_CONSERVATIVE);
    uintptr_t base = large->base;
    memset((void *)base, 0x11, 100000);
    cycle(keep, 3);
    for (int i = 0; i < 128; i++) {
        if (i == 3 || i == 64 || i == 127)
            cr_expect_eq(*(uint32_t *)p[i], 0x11111111u);
        else
            cr_expect(clobbered(p[i], 64));
        cr_expect_eq(is_object(p[i]), i == 3 || i == 64 || i == 127);
    }
    cr_expect(clobbered(base, 106496)); /* to the end of its slot */
    cycle(NULL, 0);
    for (int i = 0; i < 128; i++)
        cr_expect(clobbered(p[i], 64));
    for (int i = 0; i < 1000; i++) /* and the next ones are zeroed again */
        cr_expect_eq(*(uint64_t *)take(OBJ_PRECISE, 6), 0u);
}

Test(sweep, leaves_no_old_bytes_in_large_objects)
{
    for (int i = 0; i < 10; i++) {
        struct span *s = mem_large_take(70000, i % 2 ? OBJ_NOSCAN : OBJ_CONSERVATIVE);
        for (size_t at = 0; at < 70000; at++)
            cr_assert_eq(((char *)s->base)[at], 0);
        memset((void *)s->base, 0xff, 70000);
        cycle(NULL, 0);
        cr_expect_eq(freed(0), (uint64_t)i + 1);
    }
}
