/* pool_test.c: arrays that grow in memory that others are done with. */
#include "symb/pool.h"

#include <criterion/criterion.h>
#include <stdint.h>

static bool less(const void *a, const void *b)
{
    return *(const uint64_t *)a < *(const uint64_t *)b;
}

/* The scratch memory of a sort was smaller than an element of the next array, which then never grew. */
Test(pool, what_a_small_sort_is_done_with_does_for_large_elements)
{
    enum { LARGE = 200, N = 5000 };
    uint64_t few[] = {3, 1, 2};
    cr_assert(pool_sort(few, 3, sizeof few[0], less));
    struct vec v = {.each = LARGE * sizeof(uint64_t)};
    for (uint64_t i = 0; i < N; i++) {
        uint64_t *at = vec_add(&v);
        cr_assert_not_null(at);
        cr_assert_leq(v.n, v.cap);
        cr_assert_leq(v.cap * v.each, v.bytes);
        at[0] = at[LARGE - 1] = i;
    }
    for (uint64_t i = 0; i < N; i++)
        cr_assert_eq(((uint64_t *)v.at)[i * LARGE + LARGE - 1], i);
    vec_drop(&v);
}

struct pair {
    uint64_t key;
    uint32_t second, order;
};

static bool pair_less(const void *a, const void *b)
{
    const struct pair *x = a, *y = b;
    return x->key != y->key ? x->key < y->key : x->second < y->second;
}

/* Any number of elements, with many of one key: what goes before what decides, then the order that was. */
Test(pool, sorting_is_stable_and_asks_what_decides_behind_the_key)
{
    enum { MOST = 700 };
    static struct pair at[MOST];
    uint32_t random = 1;
    for (size_t n = 0; n <= MOST; n = n < 40 ? n + 1 : n + 33) {
        for (uint32_t i = 0; i < n; i++) {
            random = random * 1103515245 + 12345;
            at[i] = (struct pair){
                .key = (random >> 16) % (n / 4 + 1), .second = random >> 28, .order = i};
        }
        cr_assert(pool_sort(at, n, sizeof at[0], pair_less));
        for (size_t i = 1; i < n; i++)
            cr_assert(pair_less(&at[i - 1], &at[i]) ||
                      (!pair_less(&at[i], &at[i - 1]) && at[i - 1].order < at[i].order));
    }
}
