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
