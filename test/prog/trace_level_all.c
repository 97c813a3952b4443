/* GOTRACEBACK=all: every goroutine of the program. */
// env: GOTRACEBACK=all
// exit: 2
// expect-re: ^panic: x$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^run\(\)$
// expect-re: ^$
// expect-re: ^goroutine [0-9]+ \[sleep\]:$
// expect-re: ^$
// expect-re: ^goroutine [0-9]+ \[sleep\]:$
// expect-re: ^gort_sleep\(\)$
// expect-re: ^sleeper\(\)$
// expect-re: ^created by run$
// not: fp=0x|arch_start
#include "await.h"

static void sleeper(void)
{
    for (;;)
        gort_sleep(GORT_HOUR);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(sleeper);
    gort_go(sleeper);
    await("[sleep]", 2);
    gort_panic(gort_any_string("x"));
}

GORT_MAIN(run)
