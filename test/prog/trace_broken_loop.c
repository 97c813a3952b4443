/* A saved frame pointer leads back to frames that were passed: the walk ends, and the report says where. */
// cflags: -O1 -fno-stack-protector
// AddressSanitizer sees the frame being smashed.
// Emulated arm64 does not read memory for who asks (process_vm_readv): no words are shown.
// skip-on: asan arm64
// no-fault: open_file vm_read
// exit: 2
// expect-re: ^fatal error: round and round$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^smash\(\)$
// expect-re: ^runtime: g 1: traceback stuck in run\. pc=0x[0-9a-f]+ sp=0x[0-9a-f]+ fp=0x[0-9a-f]+$
// expect-re: ^stack: frame=\{sp:0x[0-9a-f]+, fp:0x[0-9a-f]+\} stack=\[0x[0-9a-f]+,0x[0-9a-f]+\)$
// expect-re: ^0x[0-9a-f]{16}: .*!0x[0-9a-f]{16}
// expect-re: ^run\(\)$
// not: ^panic during panic
#include <gort.h>
#include <gort/debug.h>

static __attribute__((noinline)) void smash(int n)
{
    unsigned long *frame = __builtin_frame_address(0);
    if (n > 0)
        frame[0] = (unsigned long)frame;
    gort_throw("round and round");
}

static int run(int argc, char **argv)
{
    volatile char *room = __builtin_alloca((size_t)argc * 100);
    (void)argv;
    room[0] = 1;
    smash(argc);
    return room[0];
}

GORT_MAIN(run)
