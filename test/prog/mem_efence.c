/* GODEBUG=efence=1: a freed object's address is never used again, and using it is a fault. */
// no-fault: vm_forbid
// env: GODEBUG=efence=1
// expect-re: ^none came back$
// expect-re: ^unexpected fault address 0x[0-9a-f]+$
// expect-re: ^fatal error: fault$
// exit: 2
// skip-on: asan tsan
#include <gort.h>
#include <stdio.h>
#include <string.h>

enum { OBJECTS = 64 };
static uintptr_t hidden[OBJECTS]; /* upside down: no pointers */

__attribute__((noinline)) static void leave_some(void)
{
    for (int i = 0; i < OBJECTS; i++)
        hidden[i] = ~(uintptr_t)memset(gort_alloc_noscan(24), 1, 24);
}

static int is_again(uintptr_t p)
{
    for (int i = 0; i < OBJECTS; i++)
        if ((p ^ ~hidden[i]) >> 13 == 0)
            return 1;
    return 0;
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    int again = 0;
    leave_some();
    gort_gc();
    gort_gc();
    for (int i = 0; i < 5000; i++)
        again += is_again((uintptr_t)gort_alloc_noscan(24));
    puts(again == 0 ? "none came back" : "it came back");
    fflush(stdout);
    for (int i = 0; i < OBJECTS; i++) /* a stray word on the stack may keep one or the other */
        *(volatile char *)~hidden[i] = 2;
    return 0;
}
GORT_MAIN(run)
