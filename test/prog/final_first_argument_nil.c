/* The texts of SetFinalizer. */
// exit: 2
// expect-re: ^fatal error: runtime\.SetFinalizer: first argument is nil$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^gort_set_finalizer\(\)$
// expect-re: ^run\(\)$
#include <gort.h>

static void finalizer(void *obj)
{
    (void)obj;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_set_finalizer(NULL, finalizer);
    return 0;
}

GORT_MAIN(run)
