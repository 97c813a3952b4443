/* A frame that was zeroed: a return to 0 is no end of a goroutine's stack. */
// cflags: -O1 -fno-stack-protector
// AddressSanitizer sees the frame being smashed.
// skip-on: asan
// no-fault: open_file vm_read
// exit: 2
// expect-re: ^panic: zeroed$
// expect-re: ^goroutine [0-9]+ \[running\]:$
// expect-re: ^runtime: g [0-9]+: unexpected return pc for smash called from 0x0$
// expect-re: ^stack: frame=\{sp:0x[0-9a-f]+, fp:0x[0-9a-f]+\} stack=\[0x[0-9a-f]+,0x[0-9a-f]+\)$
// expect-re: ^smash\(\)$
// expect-re: ^created by run$
// not: ^panic during panic
#include <gort.h>

static void smash(void *unused)
{
    volatile unsigned long *frame = __builtin_frame_address(0);
    (void)unused;
    frame[0] = frame[1] = 0;
    gort_panic(gort_any_string("zeroed"));
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(smash, NULL);
    gort_sema never = {0};
    gort_sema_acquire(&never);
    return 0;
}

GORT_MAIN(run)
