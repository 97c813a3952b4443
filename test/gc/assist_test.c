/* assist_test.c: who owes marking pays by credit, waits for it, and is let go. No collection runs:
 * the phase is set by hand, so there is nothing grey to mark. */
#include "gc/gc_int.h"
#include "sched/up.h"

#include "prog/await.h"
#include "support.h"

#include <gort/debug.h>
#include <gort/go.h>

#include <criterion/criterion.h>

enum { CREW = 8, TURNS = 300 };

static au32 done;
static int64_t debts[CREW];

static void phase(enum gc_phase p)
{
    store_seq(&gc.phase, (uint32_t)p);
}

/* As the next m_enter of a goroutine that has allocated much. */
static void assist_with(int64_t debt)
{
    struct m *m = m_enter();
    m_p(m)->assist_cycle = load_rlx(&gc.cycle);
    m_p(m)->assist_debt = debt;
    gc_assist();
    m_leave(self());
    add_seq(&done, 1u);
}

static void member(int64_t *debt)
{
    assist_with(*debt);
}

static void settle(void)
{
    for (int i = 0; i < 200; i++)
        gort_gosched();
}

static void start_crew(int n)
{
    for (int i = 0; i < n; i++) {
        gort_go(member, &debts[i]);
        await("[GC assist wait", i + 1); /* so that they wait in this order */
    }
}

static void await_done(uint32_t n)
{
    while (load_seq(&done) < n)
        gort_gosched();
}

static void credit_first(void)
{
    gort_debug_set_gc_percent(-1);
    phase(GC_MARK);
    INSIDE(assist_credit(100000));
    assist_with(70000);
    cr_expect_eq(load_seq(&done), 1u);
    assist_with(30000);
    cr_expect_eq(load_seq(&done), 2u);
    debts[0] = 1;
    start_crew(1);
    cr_expect_eq(load_seq(&done), 2u, "the credit is used up");
    phase(GC_OFF);
    INSIDE(assist_wake_all());
    await_done(3);
}

Test(assist, takes_credit_first)
{
    cr_expect_eq(in_gort(credit_first), 0);
}

static void in_order(void)
{
    gort_debug_set_gc_percent(-1);
    phase(GC_MARK);
    debts[0] = 10000;
    debts[1] = 20000;
    debts[2] = 5000;
    start_crew(3);
    cr_expect_eq(load_seq(&done), 0u);
    INSIDE(assist_credit(12000)); /* 10000 for the first, the second goes behind the third */
    await_done(1);
    settle();
    cr_expect_eq(load_seq(&done), 1u);
    INSIDE(assist_credit(5000));
    await_done(2);
    settle();
    cr_expect_eq(load_seq(&done), 2u);
    INSIDE(assist_credit(17999));
    settle();
    cr_expect_eq(load_seq(&done), 2u);
    INSIDE(assist_credit(1));
    await_done(3);
    phase(GC_OFF);
    INSIDE(assist_wake_all());
}

Test(assist, pays_the_waiting_in_turn)
{
    cr_expect_eq(in_gort(in_order), 0);
}

static void end_of_marking(void)
{
    gort_debug_set_gc_percent(-1);
    assist_with(1000000);
    cr_expect_eq(load_seq(&done), 1u, "nobody assists while nothing marks");
    phase(GC_MARK);
    for (int i = 0; i < CREW; i++)
        debts[i] = 1000000;
    start_crew(CREW);
    INSIDE(assist_wake_all()); /* the ratio changed: they go on waiting */
    settle();
    cr_expect_eq(load_seq(&done), 1u);
    phase(GC_OFF);
    INSIDE(assist_wake_all());
    await_done(1 + CREW);
}

Test(assist, ends_with_marking)
{
    cr_expect_eq(in_gort(end_of_marking), 0);
}

static void await_end(void)
{
    m_enter();
    assist_await_mark_end();
    m_leave(self());
    add_seq(&done, 1u);
}

static void for_the_end(void)
{
    gort_debug_set_gc_percent(-1);
    await_end();
    cr_expect_eq(load_seq(&done), 1u, "nothing marks");
    phase(GC_MARK);
    gort_go(await_end);
    settle();
    debts[0] = 5000;
    start_crew(1);
    INSIDE(assist_credit(5000));
    await_done(2);
    INSIDE(assist_wake_all());
    settle();
    cr_expect_eq(load_seq(&done), 2u, "marking goes on");
    phase(GC_OFF);
    INSIDE(assist_wake_all());
    await_done(3);
}

Test(assist, some_wait_for_the_end_only)
{
    cr_expect_eq(in_gort(for_the_end), 0);
}

static void turns(void)
{
    for (int i = 0; i < TURNS; i++)
        assist_with(100);
}

/* Each turn needs its own credit: one lost wake-up, and this never ends. */
static void many_turns(void)
{
    gort_debug_set_gc_percent(-1);
    phase(GC_MARK);
    for (int i = 0; i < CREW; i++)
        gort_go(turns);
    for (uint32_t given = 0; load_seq(&done) < CREW * TURNS;) {
        if (given < CREW * TURNS && load_seq(&done) + CREW > given) {
            given++;
            INSIDE(assist_credit(100));
        } else {
            gort_gosched();
        }
    }
    phase(GC_OFF);
    INSIDE(assist_wake_all());
}

Test(assist, loses_no_wake_up)
{
    cr_expect_eq(in_gort(many_turns), 0);
}
