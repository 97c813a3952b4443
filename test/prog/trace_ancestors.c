/* GODEBUG=tracebackancestors: who created the creator. */
// env: GODEBUG=tracebackancestors=5
// exit: 2
// expect-re: ^panic: third generation$
// expect-re: ^goroutine [0-9]+ \[running\]:$
// expect-re: ^third\(\)$
// expect-re: ^created by second$
// expect-re: ^\t/.*trace_ancestors\.c:27 \+0x
// expect-re: ^\[originating from goroutine [0-9]+\]:$
// expect-re: ^second\(\.\.\.\)$
// expect-re: ^\t/.*trace_ancestors\.c:27 \+0x
// expect-re: ^created by run$
// expect-re: ^\[originating from goroutine 1\]:$
// expect-re: ^run\(\.\.\.\)$
// expect-re: ^\t/.*trace_ancestors\.c:35 \+0x
// not: g_new|gort_go_start
#include <gort.h>

static void third(void)
{
    gort_panic(gort_any_string("third generation"));
}

static void second(int n)
{
    if (n > 0)
        gort_go(third);
    for (;;)
        gort_sleep(1000000000);
}

static int run(int argc, char **argv)
{
    (void)argv;
    gort_go(second, argc);
    for (;;)
        gort_sleep(1000000000);
}

GORT_MAIN(run)
