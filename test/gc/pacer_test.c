/* pacer_test.c: the arithmetic of goals, triggers and assists, against values worked out apart. */
#include "gc/gc_int.h"

#include <criterion/criterion.h>
#include <math.h>

#define NO_LIMIT ((uint64_t)INT64_MAX)

static struct pacer fresh(int32_t percent)
{
    return (struct pacer){
        .percent = percent, .limit = NO_LIMIT, .procs = 4, .triggered = UINT64_MAX};
}

static struct pacer_goals goals(const struct pacer *p)
{
    struct pacer_memory none = {0, 0, 0};
    return pacer_goals(p, &none);
}

Test(pacer, the_first_heap_is_four_mebibytes_for_each_hundred_percent)
{
    static const struct {
        int32_t percent;
        uint64_t goal, trigger;
    } table[] = {
        {100, 4194304, 3997696}, /* 61/64; Go 1.19 says the same number */
        {50, 2097152, 1998848},  {200, 8388608, 7995392}, {800, 33554432, 31981568}, {0, 0, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct pacer p = fresh(table[i].percent);
        struct pacer_goals g = goals(&p);
        cr_expect_eq(g.goal, table[i].goal, "GOGC=%d: %lu", table[i].percent, g.goal);
        cr_expect_eq(g.trigger, table[i].trigger, "GOGC=%d: %lu", table[i].percent, g.trigger);
        cr_expect_not(g.limit_decides);
    }
}

Test(pacer, the_goal_counts_what_roots_cost)
{
    static const struct {
        int32_t percent;
        uint64_t marked, stacks, globals, goal;
    } table[] = {
        {100, 10000000, 0, 0, 20000000},
        {100, 10000000, 2000000, 1000000, 23000000},
        {50, 10000000, 2000000, 1000000, 16500000},
        {10, 10000000, 0, 0, 11048576}, /* 10 MB + 1 MB, but a sweep needs a MiB */
        {400, 10000000, 500000, 500000, 54000000},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct pacer p = fresh(table[i].percent);
        p.marked = table[i].marked;
        p.stack_scan = table[i].stacks;
        p.globals_scan = table[i].globals;
        p.sweep_min = p.marked + (1 << 20);
        cr_expect_eq(goals(&p).goal, table[i].goal, "row %zu: %lu", i, goals(&p).goal);
    }
}

Test(pacer, the_trigger_keeps_between_its_bounds)
{
    static const struct {
        double cons_mark;
        uint64_t trigger;
    } table[] = {
        {0, 125 << 20},      /* 64 + 61 */
        {0.01, 125 << 20},   /* a runway of 1 MiB */
        {0.0625, 122 << 20}, /* of 6: goal - runway */
        {0.125, 116 << 20},  /* of 12 */
        {0.1875, 110 << 20}, /* of 18 */
        {0.25, 109 << 20},   /* of 24: 64 + 45 */
        {1000, 109 << 20},   {1e300, 109 << 20},
    };
    struct pacer p = fresh(100);
    p.marked = 64 << 20;
    p.heap_scan = 32 << 20;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        p.cons_mark = table[i].cons_mark;
        struct pacer_goals g = goals(&p);
        cr_expect_eq(g.goal, 128u << 20);
        cr_expect_eq(g.trigger, table[i].trigger, "row %zu: %lu", i, g.trigger);
    }
}

Test(pacer, a_large_heap_triggers_four_mebibytes_before_the_goal)
{
    struct pacer p = fresh(100);
    p.marked = 256 << 20;
    cr_expect_eq(goals(&p).trigger, 508u << 20);
    p.heap_scan = 64 << 20;
    p.cons_mark = 0.125; /* a runway of 24 MiB */
    cr_expect_eq(goals(&p).trigger, 488u << 20);
}

Test(pacer, while_marking_the_goal_is_beyond_where_it_began)
{
    struct pacer p = fresh(100);
    p.marked = 4 << 20;
    p.triggered = (8 << 20) - 1000;
    cr_expect_eq(goals(&p).goal, (8u << 20) - 1000 + 65536);
    p.triggered = 6 << 20;
    cr_expect_eq(goals(&p).goal, 8u << 20);
}

Test(pacer, off_is_far_away)
{
    struct pacer p = fresh(-1);
    struct pacer_goals g = goals(&p);
    cr_expect(g.goal > NO_LIMIT / 2 && g.limit_decides);
    cr_expect(g.trigger <= g.goal && g.trigger > NO_LIMIT / 2);
}

Test(pacer, numbers_that_do_not_fit_are_no_small_goal)
{
    struct pacer p = fresh(INT32_MAX);
    p.marked = 1ull << 44;
    cr_expect(goals(&p).goal >= NO_LIMIT - (2 << 20));
}

Test(pacer, the_limit_leaves_what_others_do_not_need)
{
    static const struct {
        uint64_t limit, ready, heap_free, heap_alloc, marked, goal;
    } table[] = {
        /* 100 MiB - 10 MiB of ours - 1 MiB */
        {100 << 20, 50 << 20, 10 << 20, 30 << 20, 20 << 20, 89 << 20},
        /* 20 MiB over the limit already */
        {100 << 20, 120 << 20, 10 << 20, 100 << 20, 20 << 20, 69 << 20},
        /* the rest of the runtime takes all */
        {100 << 20, 130 << 20, 0, 20 << 20, 20 << 20, 20 << 20},
        /* what lives is more than there is */
        {100 << 20, 99 << 20, 0, 95 << 20, 97 << 20, 97 << 20},
        /* 1 MiB and a half left: the headroom eats no more than half */
        {10 << 20, 10 << 20, 0, 3 << 19, 1 << 19, 1 << 20},
        {0, 5 << 20, 0, 1 << 20, 700000, 700000},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct pacer p = fresh(-1);
        p.limit = table[i].limit;
        p.marked = table[i].marked;
        struct pacer_memory m = {table[i].ready, table[i].heap_free, table[i].heap_alloc};
        struct pacer_goals g = pacer_goals(&p, &m);
        cr_expect_eq(g.goal, table[i].goal, "row %zu: %lu", i, g.goal);
        cr_expect(g.limit_decides);
        cr_expect(g.trigger <= g.goal && g.trigger >= p.marked);
    }
}

Test(pacer, the_smaller_of_both_goals_counts)
{
    struct pacer p = fresh(100);
    p.marked = 10 << 20;
    p.limit = 100 << 20;
    struct pacer_memory m = {30 << 20, 5 << 20, 20 << 20};
    struct pacer_goals g = pacer_goals(&p, &m);
    cr_expect(g.goal == 20u << 20 && !g.limit_decides);
    p.limit = 20 << 20;
    g = pacer_goals(&p, &m); /* 20 - 5 - 10 - 1, but what lives is more */
    cr_expect(g.goal == 10u << 20 && g.limit_decides);
    cr_expect_eq(g.trigger, g.goal, "the collector runs all the time");
}

static bool about(double a, double b)
{
    return fabs(a - b) <= 1e-9 * fabs(b);
}

Test(pacer, assists_finish_when_the_heap_reaches_the_goal)
{
    struct pacer p = fresh(100);
    p.marked = 8 << 20;
    p.heap_scan = 6 << 20;
    p.stack_scan = 1 << 20;
    p.globals_scan = 1 << 20;
    p.triggered = 12 << 20;
    p.heap_most = 12 << 20;
    p.stack_most = 1 << 20;
    uint64_t goal = 16 << 20;
    cr_expect(about(pacer_assist_ratio(&p, 12 << 20, goal, 0), 2.0), "8 MiB to scan in 4");
    cr_expect(about(pacer_assist_ratio(&p, 14 << 20, goal, 6 << 20), 1.0));
    cr_expect(about(pacer_assist_ratio(&p, 14 << 20, goal, 8 << 20), 1000.0 / (2 << 20)),
              "nothing seems to be left");
    /* More than expected: 14 MiB at most, and the heap may grow 12 + 4/8 * 14 = 19 MiB. */
    cr_expect(about(pacer_assist_ratio(&p, 15 << 20, goal, 9 << 20), 5.0 / 4));
    /* Beyond the goal: a tenth more, and the worst is expected: 14 - 7 in 17.6 - 17. */
    cr_expect(about(pacer_assist_ratio(&p, 17 << 20, goal, 7 << 20), 7 / (16 * 1.1 - 17)));
    cr_expect(about(pacer_assist_ratio(&p, 20 << 20, goal, 7 << 20), 7.0 * (1 << 20)),
              "no room at all");
}

Test(pacer, the_extended_goal_is_bounded_by_the_percentage)
{
    struct pacer p = fresh(10);
    p.heap_scan = 1 << 20;
    p.triggered = 10 << 20;
    p.heap_most = 100 << 20;
    /* 10 + 1 / 1 * 100 is more than 1.1 * 11. */
    double room = 11 * 1.1 - 10.5;
    cr_expect(about(pacer_assist_ratio(&p, 21 << 19, 11 << 20, 2 << 20), 98 / room));
}

Test(pacer, cons_mark_is_the_largest_of_five_cycles)
{
    struct pacer p = fresh(100);
    struct pacer_result r = {
        .marked_bytes = 1 << 20,
        .heap_scan = 900000,
        .stack_scan = 50000,
        .globals_scan = 50000,
        .mark_ns = 1000000,
        .background_ns = 1000000, /* of 4 Ps: a quarter */
    };
    static const uint64_t grown[] = {3000000, 600000, 300000, 900000, 300000, 300000, 300000};
    /* grown * 0.25 / (1000000 * 0.75), and the largest of the last five */
    static const double want[] = {1.0, 1.0, 1.0, 1.0, 1.0, 0.3, 0.3};
    for (size_t i = 0; i < 7; i++) {
        p.triggered = 5000000;
        double used = pacer_learn(&p, &r, 5000000 + grown[i]);
        cr_expect(about(used, 0.25));
        cr_expect(about(p.cons_mark, want[i]), "cycle %zu: %g", i, p.cons_mark);
        cr_expect_eq(p.triggered, UINT64_MAX);
        cr_expect_eq(p.sweep_min, 2u << 20);
    }
}

Test(pacer, assists_and_idle_time_count)
{
    struct pacer p = fresh(100);
    p.triggered = 1000000;
    struct pacer_result r = {
        .heap_scan = 1000000,
        .mark_ns = 1000000,
        .background_ns = 1000000,
        .assist_ns = 1000000,
        .idle_ns = 400000,
    };
    cr_expect(about(pacer_learn(&p, &r, 2000000), 0.5));
    cr_expect(about(p.cons_mark, 1.2), "1 MB * (0.5 + 0.1) / (1 MB * 0.5)");
}

Test(pacer, a_heap_that_did_not_grow_teaches_nothing)
{
    struct pacer p = fresh(100);
    p.cons_mark = 0.5;
    p.triggered = 1000000;
    struct pacer_result r = {.marked_bytes = 300000, .heap_scan = 1000, .mark_ns = 1000};
    cr_expect(pacer_learn(&p, &r, 1000000) < 0);
    cr_expect_eq(p.cons_mark, 0.5);
    cr_expect_eq(p.marked, 300000u);
}

Test(pacer, marking_that_took_everything_is_still_a_number)
{
    struct pacer p = fresh(100);
    p.triggered = 1000000;
    struct pacer_result r = {.heap_scan = 1000, .mark_ns = 1000, .background_ns = 100000};
    cr_expect(pacer_learn(&p, &r, 2000000) < 1);
    cr_expect(isfinite(p.cons_mark) && p.cons_mark > 0);
}

Test(pacer, a_quarter_of_the_processors_marks)
{
    static const struct {
        uint32_t procs;
        unsigned workers;
        double fraction;
    } table[] = {{1, 0, 0.25},    {2, 0, 0.25}, {3, 0, 0.25}, {4, 1, 0},  {5, 1, 0},
                 {6, 1, 0.5 / 6}, {7, 2, 0},    {8, 2, 0},    {16, 4, 0}, {64, 16, 0}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        double fraction;
        cr_expect_eq(pacer_workers(table[i].procs, &fraction), table[i].workers, "%u Ps",
                     table[i].procs);
        cr_expect(fabs(fraction - table[i].fraction) < 1e-12, "%u Ps: %g", table[i].procs,
                  fraction);
    }
}
