/* What a program may ask about itself: package runtime's constants, and what the runtime tells of its surroundings. */
// env: GOROOT=/usr/lib/gort
// expect: the compiler is gort, not gc
// expect: linux on a machine that gort knows
// expect: the version begins with the name
// expect: the root is that of the environment
// expect: one goroutine, on some CPUs
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(int argc, char **argv)
{
    static const char compiler[] = GORT_COMPILER, arch[] = GORT_GOARCH, os[] = GORT_GOOS;
    (void)argc, (void)argv;
    if (strcmp(compiler, "gort") == 0)
        puts("the compiler is gort, not gc");
    if (strcmp(os, "linux") == 0 && (strcmp(arch, "amd64") == 0 || strcmp(arch, "arm64") == 0))
        puts("linux on a machine that gort knows");
    if (strncmp(gort_version(), "gort", 4) == 0 && gort_version()[4] >= '0' &&
        gort_version()[4] <= '9')
        puts("the version begins with the name");
    setenv("GOROOT", "/elsewhere", 1); /* too late */
    if (strcmp(gort_goroot(), "/usr/lib/gort") == 0)
        puts("the root is that of the environment");
    if (gort_num_goroutine() == 1 && gort_num_cpu() >= 1)
        puts("one goroutine, on some CPUs");
    return 0;
}

GORT_MAIN(run)
