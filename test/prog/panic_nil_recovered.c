// A nil dereference is stopped, and the program goes on, many times.
// expect: runtime error: invalid memory address or nil pointer dereference
// expect: 1000 stopped
#include <gort.h>
#include <stdio.h>

static int *volatile nowhere;

static void dereference(void *unused)
{
    (void)unused;
    *nowhere = 1;
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_any v;
    int stopped = 0;
    if (gort_try(dereference, NULL, &v) && gort_is_runtime_error(v))
        puts(gort_error_string(v));
    for (int i = 0; i < 1000; i++)
        stopped += gort_try(dereference, NULL, NULL);
    printf("%d stopped\n", stopped);
    return 0;
}

GORT_MAIN(run)
