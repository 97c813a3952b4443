/* GOTRACEBACK=none: the panic alone. */
// env: GOTRACEBACK=none
// exit: 2
// expect: panic: x
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
