/* A frame whose saved frame pointer was overwritten: the walk ends there, and the report says so. */
// cflags: -O1 -fno-stack-protector
// AddressSanitizer sees the frame being smashed.
// Emulated arm64 does not read memory for who asks (process_vm_readv): no words are shown.
// skip-on: asan arm64
// no-fault: open_file vm_read
// exit: 2
// expect-re: ^panic: smashed$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^smash\(\)$
// expect-re: ^runtime: g 1: unexpected frame pointer for run: 0x4141414140$
// expect-re: ^stack: frame=\{sp:0x[0-9a-f]+, fp:0x[0-9a-f]+\} stack=\[0x[0-9a-f]+,0x[0-9a-f]+\)$
// expect-re: !0x0000004141414140
// expect-re: ^run\(\)$
// not: ^panic during panic
#include <gort.h>

static __attribute__((noinline)) void smash(int n)
{
    if (n > 0)
        *(unsigned long *)__builtin_frame_address(0) = 0x4141414140;
    gort_panic(gort_any_string("smashed"));
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
