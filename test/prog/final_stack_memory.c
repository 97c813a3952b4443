/* Nor has the stack, not even to have them taken away. */
// exit: 2
// expect-re: ^fatal error: runtime\.SetFinalizer: pointer not in allocated block$
#include <gort.h>

static int run(int argc, char **argv)
{
    int local;
    (void)argc, (void)argv;
    gort_set_finalizer(&local, NULL);
    return 0;
}

GORT_MAIN(run)
