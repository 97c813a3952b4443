// expect-re: ^panic: first \[recovered\]$
// expect-re: ^\tpanic: re:first$
// exit: 2
#include <gort.h>

static void panic_again(void *unused)
{
    (void)unused;
    gort_any v;
    if (gort_recover(&v))
        gort_panic(gort_any_string(gort_sprintf("re:%s", gort_assert(v, gort_string).ptr)));
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_defer(panic_again, NULL);
    gort_panic(gort_any_string("first"));
}

GORT_MAIN(run)
