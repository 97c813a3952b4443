/* gort_debug_set_traceback adds to what the environment asked for, and takes nothing away. */
// env: GOTRACEBACK=all
// exit: 2
// expect-re: ^panic: x$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^goroutine [0-9]+ \[sleep\]:$
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
    await("[sleep]", 1);
    gort_debug_set_traceback("none");
    gort_panic(gort_any_string("x"));
}

GORT_MAIN(run)
