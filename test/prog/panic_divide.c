// expect-re: ^panic: runtime error: integer divide by zero$
// expect-re: ^\[signal SIGFPE: floating-point exception code=0x1 addr=0x[0-9a-f]+ pc=0x[0-9a-f]+\]$
// expect-re: ^goroutine 1 \[running\]:$
// exit: 2
// Division by zero is 0 on arm64, and no fault.
// skip-on: arm64
#include <gort.h>

static volatile int zero;

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 7 / zero;
}

GORT_MAIN(run)
