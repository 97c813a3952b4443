// env: GOMEMLIMIT=5kib
// exit: 2
// expect-re: ^GOMEMLIMIT=5kib$
// expect-re: ^fatal error: malformed GOMEMLIMIT; see `go doc runtime/debug.SetMemoryLimit`$
// expect-re: ^runtime stack:$
// not: never
#include <gort.h>

#include <stdio.h>

static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("never\n");
    return 0;
}

GORT_MAIN(program)
