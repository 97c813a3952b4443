/* The tables of size classes. */
#include "mem/mem.h"

#include <criterion/criterion.h>

static unsigned class_by_search(size_t bytes)
{
    unsigned c = 1;
    while (class_bytes[c] < bytes)
        c++;
    return c;
}

Test(sizeclass, every_size_gets_the_smallest_class_that_holds_it)
{
    for (size_t bytes = 1; bytes <= SMALL_MAX; bytes++)
        cr_assert_eq(class_of(bytes), class_by_search(bytes), "size %zu", bytes);
}

Test(sizeclass, spans_hold_what_the_table_says)
{
    for (unsigned c = 1; c < CLASSES; c++) {
        size_t span = class_pages[c] * PAGE_BYTES;
        cr_expect_eq(span / class_bytes[c], class_slots[c]);
        cr_expect(span % class_bytes[c] <= span / 8);
    }
    cr_expect_eq(class_bytes[67], 32768);
    cr_expect_eq(class_slots[1], 1024);
}

Test(sizeclass, slots_keep_the_alignment_of_sizes)
{
    for (size_t bytes = 1; bytes <= SMALL_MAX; bytes++)
        for (size_t align = 2; align <= 128 && bytes % align == 0; align *= 2)
            cr_assert_eq(class_bytes[class_of(bytes)] % align, 0u, "size %zu", bytes);
}

Test(sizeclass, rounds_as_append_does)
{
    cr_expect_eq(mem_round_bytes(0), 0u);
    cr_expect_eq(mem_round_bytes(33), 48u);
    cr_expect_eq(mem_round_bytes(32768), 32768u);
    cr_expect_eq(mem_round_bytes(32769), 40960u);
    cr_expect_eq(mem_round_bytes(SIZE_MAX), SIZE_MAX);
}
