// expect-re: ^panic: runtime error: index out of range \[5\] with length 3$
// expect-re: ^goroutine 1 \[running\]:$
// not: gort_panic_index
// exit: 2
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    int a[3] = {1, 2, 3};
    return a[gort_index(argc + 4, 3)];
}

GORT_MAIN(run)
