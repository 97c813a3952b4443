/* A stripped program keeps the names of the functions that it exports. */
// cflags: -g0 -Wl,-s -rdynamic
// exit: 2
// expect-re: ^panic: named$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^fail_by_name\(\)$
// expect-re: ^\t\?:0 \+0x[0-9a-f]+$
#include <gort.h>

__attribute__((noinline)) void fail_by_name(int n);
void fail_by_name(int n)
{
    if (n > 0)
        gort_panic(gort_any_string("named"));
}

static int run(int argc, char **argv)
{
    (void)argv;
    fail_by_name(argc);
    return 0;
}

GORT_MAIN(run)
