/* More done than there was to do: a panic with a plain string. */
// exit: 2
// expect-re: ^panic: sync: negative WaitGroup counter$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^gort_waitgroup_add\(
// expect-re: ^gort_waitgroup_done\(
// expect-re: ^run\(\)$
// not: runtime error|goroutine 2
#include <gort.h>

static int run(int argc, char **argv)
{
    static gort_waitgroup wg;
    (void)argc;
    (void)argv;
    gort_waitgroup_add(&wg, 1);
    gort_waitgroup_done(&wg);
    gort_waitgroup_done(&wg);
    return 0;
}

GORT_MAIN(run)
