// exit: 2
// expect-re: ^fatal error: go of nil func value$
// expect-re: ^goroutine 1 \[running\]:$
#include <gort.h>

static int run(int argc, char **argv)
{
    void (*volatile f)(void) = NULL;
    (void)argc;
    (void)argv;
    gort_go(f);
    return 0;
}
GORT_MAIN(run)
