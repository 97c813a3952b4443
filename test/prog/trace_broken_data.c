/* Return addresses that were overwritten with numbers where no code can be, and frame pointers that lead on behind
 * them: tracebacks end there, in Go's words, however mapped the number is. Compiled code that no module has is gone
 * through as before. */
// cflags: -O1 -fno-stack-protector -fno-optimize-sibling-calls -fno-omit-frame-pointer
// AddressSanitizer sees the frames being smashed, and ThreadSanitizer keeps calls of its own.
// Emulated arm64 does not read memory for who asks (process_vm_readv).
// skip-on: asan tsan arm64
// no-fault: open_file vm_read
// exit: 2
// expect: gort_stack: behind nothing
// expect: gort_stack: behind a variable
// expect: gort_stack: behind an object
// expect: gort_stack: behind a constant
// expect: gort_stack: behind the stack
// expect: gort_stack: compiled code
// expect-re: ^panic: smashed$
// expect-re: ^runtime: g 1: unexpected return pc for middle called from 0x[0-9a-f]+$
// expect-re: ^middle\(\)$
// not: ^(run\(\)|panic during panic|.*all is well)
#include "await.h"
#include "jit.h"

#include <stdio.h>
#include <stdlib.h>

static char text[1 << 19]; /* the words around five broken frames are much */
static unsigned long variable;
static const char constant[64] = "no code, but perhaps beside it";

static __attribute__((noinline)) void wait_for_ever(void)
{
    gort_chan_recv(NULL, NULL);
}

/* In the frame of its caller, whose frame pointer stays as it is. */
static __attribute__((noinline)) void smash(unsigned long number, int waits)
{
    unsigned long **own = __builtin_frame_address(0);
    own[0][1] = number;
    if (waits)
        wait_for_ever();
    gort_panic(gort_any_string("smashed"));
}

static __attribute__((noinline)) void middle(unsigned long number, int waits)
{
    smash(number, waits);
    printf("all is well\n"); /* no call that ends the function */
}

static void outer(unsigned long number)
{
    middle(number, true);
    printf("all is well\n");
}

static void compiled(void *unused)
{
    (void)unused;
    wait_for_ever();
    printf("all is well\n");
}

static void through_compiled(void *fn)
{
    jit_fn call;
    memcpy(&call, &fn, sizeof call);
    call(compiled, NULL);
    printf("all is well\n");
}

static void await_waiters(int n)
{
    do {
        gort_gosched();
        text[gort_stack(text, sizeof text - 1, true)] = '\0';
    } while (await_count(text, "[chan receive (nil chan)]") < n);
}

static void say(const char *what, const char *line)
{
    const char *at = strstr(text, line);
    const char *end = at != NULL ? strstr(at, "\n\n") : NULL, *frame, *beyond;
    frame = at != NULL ? strstr(at, "\nmiddle()\n") : NULL;
    beyond = at != NULL ? strstr(at, "\nouter()\n") : NULL;
    bool ends_there = frame != NULL && (end == NULL || frame < end) &&
                      (beyond == NULL || (end != NULL && beyond > end));
    printf("gort_stack: %s\n", ends_there ? what : text);
}

static void go(const char *what, unsigned long number, int n)
{
    char line[100];
    gort_go(outer, number);
    await_waiters(n);
    snprintf(line, sizeof line,
             ": unexpected return pc for middle called from 0x%lx\nstack: frame={sp:0x", number);
    say(what, line);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    go("behind nothing", 0x414141414141, 1);
    go("behind a variable", (unsigned long)&variable, 2);
    go("behind an object", (unsigned long)gort_alloc(64), 3);
    go("behind a constant", (unsigned long)constant, 4);
    go("behind the stack", (unsigned long)&argc, 5);
    jit_fn call = jit_make(jit_with_frame, sizeof jit_with_frame);
    void *code;
    memcpy(&code, &call, sizeof code);
    gort_go(through_compiled, code);
    await_waiters(6);
    const char *at = strstr(text, "\ncompiled()\n");
    at = at != NULL ? strstr(at, "\nnon-Go function at pc=") : NULL;
    printf("gort_stack: %s\n",
           at != NULL && strstr(at, "\nthrough_compiled()\n") != NULL ? "compiled code" : text);
    fflush(stdout);
    middle((unsigned long)&variable, false);
    printf("all is well\n");
    return 0;
}

GORT_MAIN(run)
