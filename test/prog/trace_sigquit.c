/* SIGQUIT: the dump with the registers, at level 2 whatever GOTRACEBACK says. */
// env: GOTRACEBACK=none
// exit: 2
// expect-re: ^SIGQUIT: quit$
// expect-re: ^PC=0x[0-9a-f]+ m=[0-9]+ sigcode=[0-9]+$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^run\(\)$
// expect-re: ^\t/.*trace_sigquit\.c:\d+ \+0x\w+ fp=0x[0-9a-f]+ sp=0x\w+ pc=0x\w+$
// expect-re: ^$
// expect-re: ^goroutine [0-9]+ \[sleep\]:$
// expect-re: ^sleeper\(\)$
// expect-re: ^created by run$
// expect-re: ^$
// expect-re: ^rax    0x|^r0      0x
// expect-re: ^rip    0x|^pc      0x
#include "await.h"

#include <signal.h>

static void sleeper(void)
{
    for (;;)
        gort_sleep(GORT_HOUR);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(sleeper);
    await("[sleep]", 1);
    raise(SIGQUIT);
    return 0;
}

GORT_MAIN(run)
