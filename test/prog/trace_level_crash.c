/* GOTRACEBACK=crash: as system, and the end by SIGABRT. */
// env: GOTRACEBACK=crash
// signal: SIGABRT
// expect-re: ^panic: x$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^panic\(.*\)$
// expect-re: ^run\(\)$
// expect-re: fp=0x[0-9a-f]+ sp=0x[0-9a-f]+ pc=0x[0-9a-f]+$
// expect-re: ^goroutine [0-9]+ \[sleep\]:$
// expect-re: ^switch_to\((\.\.\.)?\)$
// expect-re: ^arch_start\(\)$
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
