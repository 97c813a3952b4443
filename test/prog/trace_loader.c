/* A program that dies while the loader can never be asked again: the monitor finishes the report. */
// Programs for sanitizers ask a loader of their own.
// skip-on: asan tsan
// limit: 15
// exit: 2
// expect-re: ^panic: inside the loader$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^runtime: names of functions cannot be had: the program died in malloc or the loader$
// expect-re: ^non-Go function at pc=0x[0-9a-f]+$
#include "loader.h"

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    on_asking = wait_for_ever;
    gort_panic(gort_any_string("inside the loader"));
}

GORT_MAIN(run)
