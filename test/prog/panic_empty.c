// The text is empty, the blank behind the colon is not.
// expect-re: ^panic: $
// expect-re: ^goroutine 1 \[running\]:$
// exit: 2
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_panic(gort_any_string(""));
}

GORT_MAIN(run)
