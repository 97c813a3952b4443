/* gort_stack: the caller's traceback, cut to the buffer; with all, everybody's. */
// no-fault: library
// no-fault: open_file
// expect-re: ^own:goroutine 1 \[running\]:$
// expect-re: ^run\(\)$
// expect-re: ^\t/.*trace_stack\.c:[0-9]+ \+0x[0-9a-f]+$
// expect-re: ^cut:goroutine 1$
// expect-re: ^all:goroutine 1 \[running\]:$
// expect-re: ^goroutine [0-9]+ \[sleep\]:$
// expect-re: ^sleeper\(\)$
// expect-re: ^created by run$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^gort_debug_print_stack\(\)$
// expect-re: ^run\(\)$
// expect-re: ^done$
// not: gort_stack
#include "await.h"

#include <stdio.h>

static void sleeper(void)
{
    for (;;)
        gort_sleep(GORT_HOUR);
}

static int run(int argc, char **argv)
{
    static char buf[8192];
    (void)argc, (void)argv;
    gort_go(sleeper);
    await("[sleep]", 1);
    size_t n = gort_stack(buf, sizeof buf, false);
    printf("own:%.*s\n", (int)n, buf);
    n = gort_stack(buf, 11, false);
    printf("cut:%.*s\n", (int)n, buf);
    n = gort_stack(buf, sizeof buf, true);
    printf("all:%.*s\n", (int)n, buf);
    fflush(stdout);
    gort_debug_print_stack();
    printf("done\n");
    return 0;
}

GORT_MAIN(run)
