// exit: 2
// expect-re: ^SIGTRAP: trace trap$
// expect-re: ^PC=0x[0-9a-f]+ m=[0-9]+ sigcode=
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_breakpoint();
    return 0;
}
GORT_MAIN(run)
