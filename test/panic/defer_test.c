/* defer_test.c: what runs when, at the end of a scope and of a goroutine. */
#include <criterion/criterion.h>

#include "gort/go.h"
#include "panic/panic.h"
#include "support.h"

#include <string.h>

static char log_text[4096];
static size_t log_len;

/* The length counts a letter that is there: wait_for may look from another thread. */
static void note(void *letter)
{
    size_t len = log_len;
    if (len == sizeof log_text - 1)
        return;
    log_text[len] = *(const char *)letter;
    __atomic_store_n(&log_len, len + 1, __ATOMIC_RELEASE);
}
static void begin(void)
{
    memset(log_text, 0, sizeof log_text);
    log_len = 0;
}
#define DEFER(letter)    gort_defer(note, (void *)(uintptr_t)(letter))
#define EXPECT_LOG(want) cr_expect(strcmp(log_text, want) == 0, "%s, not %s", log_text, want)

static int by_return(void)
{
    GORT_SCOPE
    {
        DEFER("a");
        DEFER("b");
        return 7;
    }
    return 8;
}

static void by_goto(void)
{
    GORT_SCOPE
    {
        DEFER("g");
        goto out;
    }
    note("x");
out:
    note("o");
}

static void leaving(void)
{
    begin();
    GORT_SCOPE
    {
        DEFER("1");
        DEFER("2");
        DEFER("3");
        note("-");
    }
    note(".");
    EXPECT_LOG("-321.");

    begin();
    cr_expect(by_return() == 7);
    EXPECT_LOG("ba");

    begin();
    by_goto();
    EXPECT_LOG("go");

    begin();
    GORT_SCOPE
    {
        DEFER("b");
        if (log_len == 0)
            break;
        note("x");
    }
    EXPECT_LOG("b");

    begin();
    for (int i = 0; i < 3; i++) {
        GORT_SCOPE
        {
            DEFER("c");
            if (i == 1)
                continue;
            note("n");
        }
        note(",");
    }
    EXPECT_LOG("nc,c,nc,");
}

Test(defer, runs_however_the_scope_is_left)
{
    cr_assert(in_gort(leaving) == 0);
}

static void nested(void)
{
    begin();
    GORT_SCOPE
    {
        DEFER("o");
        GORT_SCOPE
        {
            DEFER("i");
            note("1");
        }
        note("2");
    }
    EXPECT_LOG("1i2o");
}

Test(defer, scopes_nest)
{
    cr_assert(in_gort(nested) == 0);
}

static void to_the_caller(void)
{
    DEFER("d");
}

static void dynamic(void)
{
    begin();
    GORT_SCOPE
    {
        to_the_caller();
        note("1");
    }
    EXPECT_LOG("1d");
}

Test(defer, belongs_to_the_innermost_scope_of_any_caller)
{
    cr_assert(in_gort(dynamic) == 0);
}

static int order[1000], norder;
static void put_order(void *i)
{
    order[norder++] = (int)(intptr_t)i;
}

static void thousand(void)
{
    GORT_SCOPE
    {
        for (intptr_t i = 0; i < 1000; i++)
            gort_defer(put_order, (void *)i);
        cr_expect(norder == 0);
    }
    cr_assert(norder == 1000);
    for (int i = 0; i < 1000; i++)
        cr_expect(order[i] == 999 - i);
}

Test(defer, a_thousand_run_last_in_first_out)
{
    cr_assert(in_gort(thousand) == 0);
}

static void again(void *depth)
{
    note("r");
    if ((intptr_t)depth > 0)
        gort_defer(again, (void *)((intptr_t)depth - 1));
}

static void deferring(void)
{
    begin();
    GORT_SCOPE
    {
        DEFER("l");
        gort_defer(again, (void *)3);
    }
    EXPECT_LOG("rrrrl");
}

Test(defer, a_deferred_function_may_defer)
{
    cr_assert(in_gort(deferring) == 0);
}

static void goroutine(void)
{
    DEFER("1");
    DEFER("2");
    note("g");
}

static void wait_for(size_t len)
{
    while (__atomic_load_n(&log_len, __ATOMIC_ACQUIRE) < len)
        gort_gosched();
}

static void at_its_end(void)
{
    begin();
    gort_go(goroutine);
    wait_for(3);
    EXPECT_LOG("g21");
}

Test(defer, outside_any_scope_waits_for_the_end_of_the_goroutine)
{
    cr_assert(in_gort(at_its_end) == 0);
}

static void first_deferring(void)
{
    begin();
    DEFER("m");
}

Test(defer, outside_any_scope_of_goroutine_1_waits_for_its_end)
{
    cr_assert(in_gort(first_deferring) == 0);
    EXPECT_LOG("m");
}

static void levels(int n)
{
    GORT_SCOPE
    {
        gort_defer(put_order, (void *)(intptr_t)n);
        if (n < 99)
            levels(n + 1);
    }
}

static void deep(void)
{
    levels(0);
    cr_assert(norder == 100);
    for (int i = 0; i < 100; i++)
        cr_expect(order[i] == 99 - i);
}

Test(defer, recursion)
{
    cr_assert(in_gort(deep) == 0);
}
