/* A frame whose saved frame pointer was overwritten: the walk ends there. */
// cflags: -O1 -fno-stack-protector
// AddressSanitizer sees the frame being smashed.
// skip-on: asan
// exit: 2
// expect-re: ^panic: smashed$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^smash\(\)$
// expect-re: ^run\(\)$
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
