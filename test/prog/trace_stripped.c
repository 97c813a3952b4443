/* Without debug information and symbols the report says what can be known. */
// cflags: -g0 -Wl,-s
// exit: 2
// expect-re: ^panic: anonymous$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^non-Go function at pc=0x[0-9a-f]+$
// expect-re: ^non-Go function at pc=0x[0-9a-f]+$
#include <gort.h>

static __attribute__((noinline)) void fail(int n)
{
    if (n > 0)
        gort_panic(gort_any_string("anonymous"));
}

static int run(int argc, char **argv)
{
    (void)argv;
    fail(argc);
    return 0;
}

GORT_MAIN(run)
