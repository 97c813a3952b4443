/* gort_throw: our own kind of failure shows everything, whatever GOTRACEBACK says. */
// Emulated, the few steps to the end may take a time slice, and never_ran has run.
// skip-on: arm64
// env: GOTRACEBACK=none
// env: GODEBUG=asyncpreemptoff=1
// exit: 2
// expect-re: ^fatal error: invented$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^gort_throw\(\)$
// expect-re: fp=0x[0-9a-f]+ sp=0x[0-9a-f]+ pc=0x[0-9a-f]+$
// expect-re: ^run\(\)$
// expect-re: ^arch_start\(\)$
// expect-re: ^goroutine [0-9]+ \[runnable\]:$
// expect-re: ^never_ran\(\)$
// expect-re: ^\t/.*trace_throw\.c:[0-9]+ fp=0x
// expect-re: ^created by run$
#include <gort.h>

static volatile int ran;

static void never_ran(void)
{
    ran = 1;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_gomaxprocs(1);
    do { /* gort_go gives way where a time slice is over; gort_throw does not */
        ran = 0;
        gort_go(never_ran);
    } while (ran);
    gort_throw("invented");
}

GORT_MAIN(run)
