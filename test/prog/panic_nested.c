// expect-re: ^panic: first$
// expect-re: ^\tpanic: second$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^panic_with\(
// expect-re: ^panic\(
// expect-re: ^run\(
// not: recovered
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
    gort_defer(panic_with, "second");
    gort_panic(gort_any_string("first"));
}

GORT_MAIN(run)
