// exit: 2
// expect-re: ^fatal error: gort: gort_run called twice$
#include <gort.h>

static int run(int argc, char **argv)
{
    return gort_run(run, argc, argv);
}
GORT_MAIN(run)
