// expect-re: ^panic: interface conversion: interface \{\} is int, not string$
// not: gort_assert
// exit: 2
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_any v = gort_box(int, 3);
    return (int)gort_assert(v, gort_string).len;
}

GORT_MAIN(run)
