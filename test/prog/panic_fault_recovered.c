// A nil dereference and a division by zero are stopped, and the program goes on, many times.
// expect: runtime error: invalid memory address or nil pointer dereference
// expect: runtime error: integer divide by zero
// expect: 2000 stopped
// Division by zero is 0 on arm64, and no fault; panic_nil_recovered has the half that is.
// skip-on: arm64
#include <gort.h>
#include <stdio.h>

static volatile int zero;
static int *volatile nowhere;

static void dereference(void *unused)
{
    (void)unused;
    *nowhere = 1;
}

static void divide(void *unused)
{
    (void)unused;
    zero = 7 / zero;
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_any v;
    int stopped = 0;
    if (gort_try(dereference, NULL, &v) && gort_is_runtime_error(v))
        puts(gort_error_string(v));
    if (gort_try(divide, NULL, &v) && gort_is_runtime_error(v))
        puts(gort_error_string(v));
    for (int i = 0; i < 1000; i++)
        stopped += gort_try(dereference, NULL, NULL) + gort_try(divide, NULL, NULL);
    printf("%d stopped\n", stopped);
    return 0;
}

GORT_MAIN(run)
