/* The return address and frame pointer were overwritten: the traceback names the last good function, says where it
 * would have returned to, and shows the words around. */
// cflags: -O1 -fno-stack-protector
// AddressSanitizer sees the frame being smashed.
// Emulated arm64 does not read memory for who asks (process_vm_readv): no words are shown.
// skip-on: asan arm64
// no-fault: open_file vm_read
// exit: 2
// expect-re: ^panic: smashed$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^runtime: g 1: unexpected return pc for smash called from 0x414141414141$
// expect-re: ^stack: frame=\{sp:0x[0-9a-f]+, fp:0x[0-9a-f]+\} stack=\[0x[0-9a-f]+,0x[0-9a-f]+\)$
// expect-re: ^0x[0-9a-f]{16}: .*<0x[0-9a-f]{16}
// expect-re: ^0x[0-9a-f]{16}: .*<arch_start\+0x[0-9a-f]{16}>
// expect-re: ^smash\(\)$
// not: ^(run\(\)|non-Go function|panic during panic)
#include <gort.h>

static __attribute__((noinline)) void smash(int n)
{
    unsigned long *frame = __builtin_frame_address(0);
    if (n > 0)
        frame[0] = 0x4242424242424242, frame[1] = 0x414141414141;
    gort_panic(gort_any_string("smashed"));
}

static int run(int argc, char **argv)
{
    (void)argv;
    smash(argc);
    return argc;
}

GORT_MAIN(run)
