// An address that is not nil: no panic, a fatal error.
// expect-re: ^unexpected fault address 0xdeadbeef000$
// expect-re: ^fatal error: fault$
// expect-re: ^\[signal SIGSEGV: segmentation violation code=0x1 addr=0xdeadbeef000 pc=0x[0-9a-f]+\]$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running
// not: deferred|^panic:
// exit: 2
// skip-on: asan tsan
// A sanitizer looks up what it knows of an address before the access, and dies there of this one.
#include <gort.h>
#include <stdio.h>

static void deferred(void *arg)
{
    puts(arg);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_defer(deferred, "deferred");
    *(volatile int *)0xdeadbeef000 = 1;
    return 0;
}

GORT_MAIN(run)
