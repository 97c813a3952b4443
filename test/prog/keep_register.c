/* A pointer that a computing goroutine has in one register only, while its thread is stopped by a signal. */
// env: GODEBUG=clobberfree=1
// env: GOMAXPROCS=2
// expect: register: kept
// expect: vector register: kept
// only-on: release debug hostile paranoid asan
// skip-on: arm64
#include "keep.h"

static volatile int flag[2], running[2];

static secret *hold_in_register(uintptr_t turned, volatile int *run, volatile int *stop)
{
    secret *s;
    __asm__ volatile("movq %[t], %%r13\n\t"
                     "notq %%r13\n\t"
                     "movl $1, (%[run])\n"
                     "1:\tpause\n\t"
                     "cmpl $0, (%[stop])\n\t"
                     "je 1b\n\t"
                     "movq %%r13, %[s]\n\t"
                     "xorl %%r13d, %%r13d"
                     : [s] "=&r"(s)
                     : [t] "r"(turned), [run] "r"(run), [stop] "r"(stop)
                     : "r13", "memory");
    return s;
}

static secret *hold_in_vector(uintptr_t turned, volatile int *run, volatile int *stop)
{
    secret *s;
    __asm__ volatile("movq %[t], %[s]\n\t"
                     "notq %[s]\n\t"
                     "movq %[s], %%xmm9\n\t"
                     "xorl %k[s], %k[s]\n\t"
                     "movl $1, (%[run])\n"
                     "1:\tpause\n\t"
                     "cmpl $0, (%[stop])\n\t"
                     "je 1b\n\t"
                     "movq %%xmm9, %[s]\n\t"
                     "pxor %%xmm9, %%xmm9"
                     : [s] "=&r"(s)
                     : [t] "r"(turned), [run] "r"(run), [stop] "r"(stop)
                     : "xmm9", "memory");
    return s;
}

static void holder(uintptr_t which)
{
    uintptr_t turned = secret_turned("in a register");
    wipe_stack();
    secret *s = which == 0 ? hold_in_register(turned, &running[0], &flag[0])
                           : hold_in_vector(turned, &running[1], &flag[1]);
    show(which == 0 ? "register" : "vector register", s, "in a register");
    running[which] = 2;
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (uintptr_t i = 0; i < 2; i++) {
        gort_go(holder, i);
        while (running[i] == 0)
            gort_gosched();
        collect();
        flag[i] = 1;
        while (running[i] != 2)
            gort_gosched();
    }
    return 0;
}
GORT_MAIN(run)
