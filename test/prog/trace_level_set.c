/* gort_debug_set_traceback adds to what the environment asked for, and takes nothing away. */
// env: GOTRACEBACK=all
// exit: 2
// expect-re: ^panic: x$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^goroutine [0-9]+ \[sleep\]:$
#include <gort.h>
#include <gort/debug.h>

static void sleeper(void)
{
    for (;;)
        gort_sleep(1000000000);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(sleeper);
    gort_sleep(10000000);
    gort_debug_set_traceback("none");
    gort_panic(gort_any_string("x"));
}

GORT_MAIN(run)
