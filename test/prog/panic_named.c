// expect-re: ^panic: celsius\(\+2\.150000e\+001\)$
// exit: 2
#include <gort.h>

typedef double celsius;
GORT_TYPE_NOSCAN(celsius)

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_panic(gort_box(celsius, 21.5));
}

GORT_MAIN(run)
