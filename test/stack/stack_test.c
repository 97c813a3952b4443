/* stack_test.c: slots, guards, the depot. */
#include "conf/limits.h"
#include "os/os.h"
#include "stack/stack.h"

#include <criterion/criterion.h>
#include <string.h>

enum { HEAD_BYTES = 500, MANY = 1000 };

static void start(void)
{
    stack_init(HEAD_BYTES, STACK_BYTES_DEFAULT);
}

static void *take(size_t bytes, struct stack *s)
{
    bool cold;
    void *head = stack_take(bytes, s, &cold);
    cr_assert_not_null(head);
    return head;
}

Test(stack, a_slot_has_the_size_asked_for, .init = start)
{
    static const size_t sizes[] = {0, 1, STACK_BYTES_MIN, STACK_BYTES_MIN + 1, MIB, 64 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct stack s;
        char *head = take(sizes[i], &s);
        size_t want = sizes[i] ? sizes[i] : stack_default_bytes();
        cr_expect_eq((uintptr_t)head, s.hi);
        cr_expect_eq(s.hi % 16, 0u);
        cr_expect(s.hi - s.lo + STACK_GUARD_BYTES + STACK_COLOURS * 64 + 512 >= want);
        memset((void *)(s.hi - 4096), 1, 4096 + HEAD_BYTES);
        *(volatile char *)s.lo = 1;
        stack_put(head, &s);
    }
}

Test(stack, an_absurd_size_is_refused, .init = start)
{
    struct stack s;
    bool cold;
    cr_expect_null(stack_take((size_t)1 << 62, &s, &cold));
}

Test(stack, an_address_finds_its_slot, .init = start)
{
    struct stack s;
    uintptr_t lo, end;
    void *head = take(0, &s);
    cr_expect(stack_head_at(s.hi - 8, &lo, &end) == head && lo == s.lo && end >= s.hi);
    cr_expect(stack_head_at(s.lo - STACK_GUARD_BYTES, &lo, &end) == head && lo == s.lo);
    cr_expect(stack_head_at((uintptr_t)&s, &lo, &end) == NULL && lo == 0 && end == 0);
    cr_expect_null(stack_head_at(0, &lo, &end));
    stack_put(head, &s);
}

Test(stack, the_warmest_slot_comes_back_first, .init = start)
{
    struct stack a, b, s;
    void *x = take(0, &a), *y = take(0, &b);
    stack_put(x, &a);
    stack_put(y, &b);
    cr_expect_eq(take(0, &s), y);
    cr_expect(s.lo == b.lo && s.hi == b.hi);
    void *warm[4];
    cr_expect_eq(stack_take_warm(warm, 4), 1u);
    cr_expect_eq(warm[0], x);
    s = stack_of_warm(x);
    cr_expect(s.lo == a.lo && s.hi == a.hi);
}

Test(stack, tops_are_coloured, .init = start)
{
    unsigned long seen = 0;
    for (unsigned i = 0; i < 2 * STACK_COLOURS; i++) {
        struct stack s;
        take(0, &s);
        seen |= 1ul << (s.hi / 64 % 64);
    }
    cr_expect_eq((unsigned)__builtin_popcountl(seen), STACK_COLOURS);
}

static void *heads[MANY];
static struct stack stacks[MANY];
static unsigned visited;

static void visit(void *head, void *arg)
{
    (void)head;
    (void)arg;
    visited++;
}

Test(stack, what_nobody_needs_goes_back, .init = start)
{
    for (int i = 0; i < MANY; i++) {
        heads[i] = take(0, &stacks[i]);
        memset(heads[i], 1, HEAD_BYTES);
    }
    stack_each_head(visit, NULL);
    cr_expect_eq(visited, (unsigned)MANY);
    for (int i = 0; i < MANY; i++)
        stack_put(heads[i], &stacks[i]);
    visited = 0;
    stack_each_head(visit, NULL);
    cr_expect_eq(visited, 0u);
    stack_trim(MANY); /* an interval begins: all are unused so far */
    for (int i = 0; i < 20; i++)
        stack_trim(MANY);
    unsigned cold = 0;
    for (int i = 0; i < MANY; i++) {
        bool is_cold;
        heads[i] = stack_take(0, &stacks[i], &is_cold);
        cold += is_cold;
        if (is_cold)
            cr_expect_eq(*(char *)heads[i], 0, "a cold head reads as zero");
    }
    cr_expect_gt(cold, (unsigned)MANY / 2);
}

/* ---- walks */
enum { FEW = 300 };

static bool odd_taken_back(unsigned i)
{
    return i % 3 == 1;
}

Test(stack, a_head_is_found_by_any_address_of_its_slot, .init = start)
{
    static const size_t sizes[] = {0, STACK_BYTES_MIN, MIB, 64 * MIB};
    uintptr_t lo, end;
    for (unsigned i = 0; i < FEW; i++)
        heads[i] = take(sizes[i % 4], &stacks[i]);
    for (unsigned i = 0; i < FEW; i++)
        if (odd_taken_back(i))
            stack_put(heads[i], &stacks[i]);
    for (unsigned i = 0; i < FEW; i++) {
        void *want = odd_taken_back(i) ? NULL : heads[i];
        cr_expect_eq(stack_head_at(stacks[i].lo, &lo, &end), want);
        cr_expect(lo == stacks[i].lo && end > stacks[i].hi);
        cr_expect_eq(stack_head_at(stacks[i].hi + HEAD_BYTES, &lo, &end), want);
        cr_expect_eq(stack_head_at(stacks[i].lo - 1, &lo, &end), want, "the guard");
    }
    cr_expect_null(stack_head_at((uintptr_t)&lo, &lo, &end));
    cr_expect_eq(end, 0u);
    cr_expect_null(stack_head_at(0, &lo, &end));
    cr_expect_null(stack_head_at(UINTPTR_MAX, &lo, &end));
}

static void count_in_region(uintptr_t lo, uintptr_t hi, void *arg)
{
    unsigned *n = arg;
    for (unsigned i = 0; i < FEW; i++)
        if (stacks[i].lo > lo && stacks[i].hi < hi)
            ++*n;
}

Test(stack, regions_and_parts_cover_all, .init = start)
{
    unsigned in_regions = 0;
    for (unsigned i = 0; i < FEW; i++)
        heads[i] = take(i % 2 ? 0 : MIB, &stacks[i]);
    stack_each_region(count_in_region, &in_regions);
    cr_expect_eq(in_regions, (unsigned)FEW);
    cr_expect_eq(stack_count_taken(), (uint64_t)FEW);
    for (unsigned parts = 1; parts < 6; parts++) {
        visited = 0;
        for (unsigned part = 0; part < parts; part++)
            stack_each_head_part(part, parts, visit, NULL);
        cr_expect_eq(visited, (unsigned)FEW);
    }
}

Test(stack, what_is_below_the_stack_pointer_goes_back, .init = start)
{
    struct stack s;
    size_t page = os_page_bytes();
    take(MIB, &s);
    uintptr_t sp = s.hi - 10 * page;
    memset((void *)(s.lo + 100 * page), 1, s.hi - (s.lo + 100 * page));
    size_t bytes = stack_release_below(&s, sp);
    cr_expect(bytes > 0 && bytes % page == 0 && bytes <= sp - s.lo - 99 * page);
    cr_expect_eq(*(volatile char *)sp, 1);
    cr_expect_eq(*(volatile char *)(s.lo + 101 * page), 0, "reads as zero");
    cr_expect_leq(stack_release_below(&s, sp), page, "but for the one just read");
    cr_expect_eq(*(volatile char *)(s.hi - 1), 1);
}

Test(stack, a_word_stays_with_its_slot, .init = start)
{
    struct stack s;
    bool cold;
    void *a = take(0, &s);
    void *b = stack_take(0, &stacks[0], &cold);
    cr_expect_eq(load_rlx(stack_word(a)), 0);
    cr_expect_neq(stack_word(a), stack_word(b));
    cr_expect_eq(stack_word((void *)s.lo), stack_word(a), "wherever in the slot");
    cr_expect_null(stack_word(&s));
    store_rlx(stack_word(a), 7u);
    stack_put(a, &s);
    stack_trim(1); /* it was wanted since the last time */
    stack_trim(1);
    cr_expect_null(stack_head_at((uintptr_t)a, &s.lo, &s.hi));
    cr_expect_eq(load_rlx(stack_word(a)), 7, "its pages are given back, it is not");
    cr_expect_eq(load_rlx(stack_word(b)), 0);
}
