// expect-re: ^fatal error: panic while printing panic value: type int$
// not: ^panic:
// exit: 2
#include <gort.h>

typedef int bad;

static const char *bad_text(const bad *b)
{
    gort_panic(gort_box(int, *b));
}
GORT_TYPE_NOSCAN(bad)
GORT_TYPE_ERROR(bad, bad_text)

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_panic(gort_box(bad, 1));
}

GORT_MAIN(run)
