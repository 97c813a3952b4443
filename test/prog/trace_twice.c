/* A failure while the report is printed: frames without names, and still status 2. */
// Programs for sanitizers ask a loader of their own.
// skip-on: asan tsan
// exit: 2
// expect-re: ^panic: once$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^fatal error: unexpected signal during runtime execution$
// expect-re: ^panic during panic$
// expect-re: ^non-Go function at pc=0x[0-9a-f]+$
#include "loader.h"

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    on_asking = fault;
    gort_panic(gort_any_string("once"));
}

GORT_MAIN(run)
