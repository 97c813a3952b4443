// expect-re: ^panic: nil$
// expect-re: ^goroutine 1 \[running\]:$
// exit: 2
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_panic((gort_any){NULL, NULL});
}

GORT_MAIN(run)
