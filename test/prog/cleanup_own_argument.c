/* A cleanup that keeps its own object. */
// exit: 2
// expect-re: ^panic: runtime\.AddCleanup: ptr is equal to arg, cleanup will never run$
// expect-re: ^goroutine 1 \[running\]:$
#include <gort.h>

static void nothing(void *arg)
{
    (void)arg;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    void *p = gort_alloc(32);
    gort_add_cleanup(p, nothing, p);
    return 0;
}

GORT_MAIN(run)
