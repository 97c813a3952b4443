/* trace_test.c: the lines that tools read, letter by letter. */
#include "gc/gc_int.h"

#include "conf/conf.h"
#include "support.h"

#include <criterion/criterion.h>
#include <stdlib.h>

static void print_gc(void)
{
    struct gc_trace t = {
        .cycle = 1,
        .at_ns = 999999,
        .fraction = 0.1599,
        .stop1_ns = 8400,
        .mark_ns = 561999,
        .stop2_ns = 207000,
        .stop1_cpu_ns = 16800,
        .assist_ns = 120000,
        .worker_ns = 16000,
        .idle_ns = 95000,
        .stop2_cpu_ns = 409000,
        .live_start = 3997696,
        .live_end = 4497408,
        .marked = 1 << 20,
        .goal = 4 << 20,
        .stacks = 1000000,
        .globals = 223504,
        .procs = 2,
    };
    gc_trace_print(&t);
    t.cycle = 9;
    t.at_ns = 14123456789;
    t.stop1_ns = 0;
    t.mark_ns = 1030000;
    t.stop2_ns = 12345678;
    t.assist_ns = 0;
    t.forced = true;
    gc_trace_print(&t);
}

Test(trace, gctrace)
{
    char *text;
    int status;
    run_forked(print_gc, &text, &status);
    cr_expect_str_eq(text, "gc 1 @0.000s 15%: 0.008+0.56+0.20 ms clock, "
                           "0.016+0.12/0.016/0.095+0.40 ms cpu, 3->4->1 MB, 4 MB goal, "
                           "0 MB stacks, 0 MB globals, 2 P\n"
                           "gc 9 @14.123s 15%: 0+1.0+12 ms clock, "
                           "0.016+0/0.016/0.095+0.40 ms cpu, 3->4->1 MB, 4 MB goal, "
                           "0 MB stacks, 0 MB globals, 2 P (forced)\n");
    free(text);
}

static void print_ways(void)
{
    gc_trace_way(WAY_DIRTY);
    gc_trace_way(WAY_DIRTY);
    gc_trace_way(WAY_STOPPED);
    gc_trace_way(WAY_SNAPSHOT);
    gc_trace_way(WAY_SNAPSHOT);
}

Test(trace, the_way_is_named_when_it_changes)
{
    char *text;
    int status;
    run_forked(print_ways, &text, &status);
    cr_expect_str_eq(text, "gc way: dirty pages\ngc way: stopped\ngc way: snapshot\n");
    free(text);
}

static void print_pacer(void)
{
    struct trace_pacer t = {
        .utilization = 0.35999,
        .heap_scan = 54048,
        .stack_scan = 2152,
        .globals_scan = 223504,
        .expected = 223504,
        .triggered = 3997696,
        .live = 4497408,
        .goal = 4194304,
    };
    trace_pacer_start(1, 0, 0, 0, 4); /* nothing: it is not asked for */
    trace_pacer_end(&t);
    knobs.gcpacertrace = 1;
    trace_pacer_start(1.186226, 1000000, 3997696, 4194304, 2);
    trace_pacer_end(&t);
    trace_pacer_start(0.5, 9 << 20, 9 << 20, 12 << 20, 8);
    t.live = 4000000;
    t.cons_mark = 0.25;
    trace_pacer_end(&t);
}

Test(trace, gcpacertrace)
{
    char *text;
    int status;
    run_forked(print_pacer, &text, &status);
    cr_expect_str_eq(
        text,
        "pacer: assist ratio=+1.186226e+000 (scan 0 MB in 3->4 MB) workers=0++2.500000e-001\n"
        "pacer: 35% CPU (25 exp.) for 54048+2152+223504 B work (223504 B exp.) in 3997696 B -> "
        "4497408 B (\xe2\x88\x86goal 303104, cons/mark +0.000000e+000)\n"
        "pacer: assist ratio=+5.000000e-001 (scan 9 MB in 9->12 MB) workers=2++0.000000e+000\n"
        "pacer: 35% CPU (25 exp.) for 54048+2152+223504 B work (223504 B exp.) in 3997696 B -> "
        "4000000 B (\xe2\x88\x86goal -194304, cons/mark +2.500000e-001)\n");
    free(text);
}
