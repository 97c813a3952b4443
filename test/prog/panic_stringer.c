// expect-re: ^panic: 3 apples$
// exit: 2
#include <gort.h>

typedef int apples;

static const char *apples_text(const apples *n)
{
    return gort_sprintf("%d apples", *n);
}
GORT_TYPE_NOSCAN(apples)
GORT_TYPE_STRINGER(apples, apples_text)

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_panic(gort_box(apples, 3));
}

GORT_MAIN(run)
