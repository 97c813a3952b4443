/* empty.c: the empty program: what start-up and exit cost. */
#include <gort.h>

static int empty(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}

GORT_MAIN(empty)
