/* Global data and objects without bytes never die: nothing is said, nothing happens. */
// expect: well
#include <gort.h>

#include <stdio.h>

static int initialised = 1, zeroed;

static void finalizer(void *obj)
{
    (void)obj;
    puts("never");
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_set_finalizer(&initialised, finalizer);
    gort_set_finalizer(&initialised, finalizer);
    gort_set_finalizer(&zeroed, finalizer);
    gort_set_finalizer(stdout, finalizer); /* of a library */
    gort_set_finalizer(gort_alloc(0), finalizer);
    gort_gc();
    puts("well");
    return 0;
}

GORT_MAIN(run)
