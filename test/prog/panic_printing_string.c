// An Error that panics is all that is reported.
// expect-re: ^fatal error: panic while printing panic value: oh no$
// not: ^panic:
// exit: 2
#include <gort.h>

typedef int bad;

static const char *bad_text(const bad *b)
{
    (void)b;
    gort_panic(gort_any_string("oh no"));
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
