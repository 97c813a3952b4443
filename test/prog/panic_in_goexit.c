// A Goexit in the chain prints nothing, and the panic behind it has no tab.
// expect-re: ^panic: in defer of goexit$
// expect-re: ^goroutine 1 \[running\]:$
// exit: 2
#include <gort.h>

static void panic_with(void *text)
{
    gort_panic(gort_any_string(text));
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_defer(panic_with, "in defer of goexit");
    gort_goexit();
}

GORT_MAIN(run)
