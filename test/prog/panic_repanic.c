// expect-re: ^panic: first \[recovered\]$
// expect-re: ^\tpanic: first$
// exit: 2
#include <gort.h>

static void panic_again(void *unused)
{
    (void)unused;
    gort_any v;
    if (gort_recover(&v))
        gort_panic(v);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    GORT_SCOPE
    {
        gort_defer(panic_again, NULL);
        gort_panic(gort_any_string("first"));
    }
    return 0;
}

GORT_MAIN(run)
