// exit: 2
// expect: first
// expect-re: ^fatal error: gort: gort_run called twice$
#include <gort.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    puts("first");
    fflush(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    gort_run(run, argc, argv);
    return gort_run(run, argc, argv);
}
