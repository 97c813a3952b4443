/* GOTRACEBACK that means nothing: as none. */
// env: GOTRACEBACK=bogus
// exit: 2
// expect: panic: x
#include <gort.h>

static void sleeper(void)
{
    for (;;)
        gort_sleep(1000000000);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(sleeper);
    gort_go(sleeper);
    gort_sleep(10000000);
    gort_panic(gort_any_string("x"));
}

GORT_MAIN(run)
