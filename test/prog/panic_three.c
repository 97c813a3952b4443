// expect-re: ^panic: first \[recovered\]$
// expect-re: ^\tpanic: second$
// expect-re: ^\tpanic: third$
// exit: 2
#include <gort.h>

static void second(void *unused)
{
    (void)unused;
    gort_recover(NULL);
    gort_panic(gort_any_string("second"));
}

static void third(void *unused)
{
    (void)unused;
    gort_panic(gort_any_string("third"));
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_defer(third, NULL);
    gort_defer(second, NULL);
    gort_panic(gort_any_string("first"));
}

GORT_MAIN(run)
