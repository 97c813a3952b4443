/* Which objects of which runs are sampled; what a word of an object may be. */
#include "gc/gc_int.h"
#include "mem/up.h"

#include "support.h"

#include <gort/mem.h>
#include <gort/prof.h>

#include <criterion/criterion.h>

enum { CLASS_16 = 2, CLASS_1024 = 32 };

static struct cache *cache(void)
{
    return m_p(self())->cache;
}

/* Hands out runs as a cache does; how many of the objects were sampled. */
static uint64_t samples_of(unsigned class, uint64_t objects)
{
    uint64_t found = 0;
    while (objects > 0) {
        size_t n = objects < 100 ? objects : 100;
        size_t got = gc_sample_run(cache(), OBJ_NOSCAN, class, n);
        cr_expect(got >= 1 && got <= n);
        if (gc_sample_is_now(cache(), OBJ_NOSCAN, class)) {
            cr_expect_eq(got, 1u);
            found++;
        }
        objects -= got;
    }
    return found;
}

static void rates(void)
{
    m_enter();
    gort_mem_profile_rate = 0;
    cr_expect_eq(samples_of(CLASS_16, 100000), 0u);
    cr_expect_not(gc_sample_large(cache(), (size_t)1 << 40));
    gort_mem_profile_rate = 1;
    cr_expect_eq(samples_of(CLASS_16, 1000), 1000u);
    cr_expect(gc_sample_large(cache(), 40000));
    gort_mem_profile_rate = 16 * 1000;
    uint64_t n = samples_of(CLASS_16, 4000000); /* 4000 are expected, give or take 63 */
    cr_expect(n > 3600 && n < 4400, "%d", (int)n);
    n = samples_of(CLASS_1024, 100000); /* of each object, 1 - exp(-1024 / 16000) */
    cr_expect(n > 5600 && n < 6800, "%d", (int)n);
    gort_mem_profile_rate = 0;
    m_leave(self());
}
Test(samples, come_as_often_as_the_rate_says)
{
    cr_expect_eq(in_gort(rates), 0);
}

typedef struct pair {
    void *first;
    long number;
    void *last;
} pair;
GORT_TYPE(pair, first, last)
typedef struct big {
    void *first;
    long numbers[199];
} big;
GORT_TYPE(big, first)

static struct object object_at(void *p)
{
    struct object o = {0};
    cr_expect(arena_find_object((uintptr_t)p, &o));
    return o;
}

static void words(void)
{
    struct object o = object_at(gort_new_array(pair, 5));
    for (size_t i = 0; i < 15; i++)
        cr_expect_eq(gc_word_may_point(&o, i), i % 3 != 1);
    cr_expect_not(gc_word_may_point(&o, 15));
    o = object_at(gort_new_array(big, 3)); /* too large for bits */
    for (size_t i = 0; i < 600; i++)
        cr_expect_eq(gc_word_may_point(&o, i), i % 200 == 0);
    o = object_at(gort_new_array(big, 100)); /* a span of its own */
    for (size_t i = 0; i < 20000; i++)
        cr_expect_eq(gc_word_may_point(&o, i), i % 200 == 0);
    o = object_at(gort_alloc(64));
    cr_expect(gc_word_may_point(&o, 7));
    o = object_at(gort_alloc_noscan(64));
    cr_expect_not(gc_word_may_point(&o, 0));
}
Test(objects, know_where_their_pointers_are)
{
    cr_expect_eq(in_gort(words), 0);
}
