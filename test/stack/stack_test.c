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

Test(stack, a_fault_finds_its_stack_and_guard, .init = start)
{
    struct stack s, found;
    bool in_guard;
    void *head = take(0, &s);
    cr_expect(stack_find(s.hi - 8, &found, &in_guard));
    cr_expect(found.lo == s.lo && found.hi == s.hi && !in_guard);
    cr_expect(stack_find(s.lo - 1, &found, &in_guard) && in_guard && found.lo == s.lo);
    cr_expect(stack_find(s.lo - STACK_GUARD_BYTES, &found, &in_guard) && in_guard);
    cr_expect_not(stack_find((uintptr_t)&s, &found, &in_guard));
    cr_expect_not(stack_find(0, &found, &in_guard));
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
