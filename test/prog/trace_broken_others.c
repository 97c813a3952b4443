/* Goroutines that wait on broken stacks, as others see them: gort_stack, and SIGQUIT. */
// cflags: -O1 -fno-stack-protector
// AddressSanitizer sees the frames being smashed.
// Emulated arm64 does not read memory for who asks (process_vm_readv): no words are shown.
// skip-on: asan arm64
// no-fault: open_file vm_read
// exit: 2
// expect: gort_stack: the one that returns to nonsense
// expect: gort_stack: the one whose frame pointer leads outside
// expect: gort_stack: the one that waits as it should
// expect-re: ^SIGQUIT: quit$
// expect-re: ^goroutine 1
// expect-re: ^runtime: g [0-9]+: unexpected return pc for returns_to_nonsense called from 0x414141414141$
// expect-re: ^returns_to_nonsense\(\)$
// expect-re: ^created by run$
// expect-re: ^runtime: g [0-9]+: unexpected frame pointer for caller: 0x4242424242424240$
// expect-re: ^caller\(\)$
// expect-re: ^created by run$
// not: ^panic during panic
#include "await.h"

#include <signal.h>
#include <stdio.h>

static char text[1 << 16];

static __attribute__((noinline)) void wait_for_ever(void)
{
    gort_chan_recv(NULL, NULL);
}

static void returns_to_nonsense(void *unused)
{
    unsigned long *frame = __builtin_frame_address(0);
    (void)unused;
    frame[0] = 0x4242424242424240;
    frame[1] = 0x414141414141;
    wait_for_ever();
}

static __attribute__((noinline)) void leads_outside(void)
{
    *(unsigned long *)__builtin_frame_address(0) = 0x4242424242424240;
    wait_for_ever();
}

static void caller(void *room)
{
    volatile char *bytes = __builtin_alloca((unsigned long)room);
    bytes[0] = 1;
    leads_outside();
    bytes[0] = 2;
}

static void whole(void *unused)
{
    (void)unused;
    wait_for_ever();
}

static void say(const char *what, const char *line, const char *function)
{
    const char *at = strstr(text, line), *frame = at != NULL ? strstr(at, function) : NULL;
    if (frame != NULL && strstr(frame, "\ncreated by run\n") != NULL)
        printf("gort_stack: %s\n", what);
    else
        printf("no %s in\n%s", what, text);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(returns_to_nonsense, NULL);
    gort_go(caller, (void *)100);
    gort_go(whole, NULL);
    await("[chan receive (nil chan)]", 3);
    text[gort_stack(text, sizeof text - 1, true)] = '\0';
    say("the one that returns to nonsense",
        ": unexpected return pc for returns_to_nonsense called from 0x414141414141\nstack: "
        "frame={sp:0x",
        "\nreturns_to_nonsense()\n");
    say("the one whose frame pointer leads outside",
        ": unexpected frame pointer for caller: 0x4242424242424240\nstack: frame={sp:0x",
        "\ncaller()\n");
    const char *last = strstr(text, "\nwhole()\n");
    printf("gort_stack: %s\n", last != NULL && strstr(last, "runtime: g ") == NULL
                                   ? "the one that waits as it should"
                                   : text);
    fflush(stdout);
    raise(SIGQUIT);
    return 0;
}

GORT_MAIN(run)
