// Nothing is reported until the deferred functions ran; one that exits ends it there.
// expect: deferred 2
// expect: deferred 1
// exit: 9
#include <gort.h>
#include <stdio.h>
#include <unistd.h>

static void deferred(void *arg)
{
    printf("deferred %d\n", *(int *)arg);
    if (*(int *)arg == 1) {
        fflush(stdout);
        _exit(9);
    }
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static int one = 1, two = 2;
    GORT_SCOPE
    {
        gort_defer(deferred, &one);
        gort_defer(deferred, &two);
        gort_panic(gort_any_string("boom"));
    }
    return 0;
}

GORT_MAIN(run)
