// A panic with a string: printed raw, the traceback of the goroutine, exit status 2.
// expect-re: ^panic: boom$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^run\(.*\)$
// expect-re: panic_string\.c:\d+ \+0x
// not: fatal error|recovered|signal
// exit: 2
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_panic(gort_any_string("boom"));
}

GORT_MAIN(run)
