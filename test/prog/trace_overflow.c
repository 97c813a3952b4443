/* A goroutine runs out of stack. */
// The sanitizers give out before the stack does: on their own list of calls, or on frames many times the size.
// skip-on: asan tsan
// no-fault: vm_guard
// exit: 2
// expect-re: ^runtime: goroutine stack exceeds [0-9]+-byte limit$
// expect-re: ^runtime: sp=0x[0-9a-f]+ stack=\[0x[0-9a-f]+, 0x[0-9a-f]+\]$
// expect-re: ^fatal error: stack overflow$
// expect-re: ^$
// expect-re: ^runtime stack:$
// expect-re: ^report_overflow\(\)$
// expect-re: ^$
// expect-re: ^goroutine [0-9]+ \[running\]:$
// expect-re: ^recurse\(\)$
// expect-re: ^\t/.*trace_overflow\.c:\d+ \+0x\w+ fp=0x[0-9a-f]+ sp=0x\w+ pc=0x\w+$
// expect-re: ^recurse\(\)$
// expect-re: ^\.\.\.additional frames elided\.\.\.$
// expect-re: ^created by run$
// expect-re: ^$
// expect-re: ^goroutine 1 \[.*\]:$
// not: ^runtime: g [0-9]+: (unexpected|traceback stuck)
#include <gort.h>

static __attribute__((noinline)) long recurse(long n)
{
    volatile char room[200];
    room[n % 200] = 1;
    long below = recurse(n + 1);
    return below + room[0];
}

static void child(void)
{
    recurse(0);
}

static int run(int argc, char **argv)
{
    (void)argv, (void)argc;
    gort_go(child);
    for (;;)
        gort_sleep(1000000000);
}

GORT_MAIN(run)
