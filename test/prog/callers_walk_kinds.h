/* callers_walk_kinds.h: callers through frames of many kinds. */
#ifndef TEST_PROG_CALLERS_WALK_KINDS_H
#define TEST_PROG_CALLERS_WALK_KINDS_H

#include "callers_walk.h"

#include <alloca.h>

static __attribute__((noinline)) int plain(const char *what, int x)
{
    ENTER();
    expect_all_entered(what);
    LEAVE();
    return x;
}

static __attribute__((noinline)) int many(int x)
{
    int a = x, b = x, c = x, d = x, e = x, f = x;
    ENTER();
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    int r = plain("with many registers", x);
    __asm__ volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    LEAVE();
    return r + a + b + c + d + e + f;
}

static __attribute__((noinline)) int realigned(int x)
{
    _Alignas(128) volatile char v[128];
    ENTER();
    v[x & 127] = 1;
    int r = plain("realigned", x);
    LEAVE();
    return r + v[x & 127];
}

static __attribute__((noinline)) int variable(int x)
{
    ENTER();
    volatile char *v = alloca(100 + (size_t)x);
    v[0] = 1;
    int r = plain("with a frame of variable length", x);
    LEAVE();
    return r + v[0];
}

static __attribute__((noinline)) int deep(int x)
{
    ENTER();
    int r = x == 0 ? plain("deep", 0) : deep(x - 1) + x;
    LEAVE();
    return r;
}

static int program(int argc, char **argv)
{
    (void)argv;
    int r = plain("plain", argc) + many(argc) + realigned(argc) + variable(argc) + deep(50);
    return r == 12345;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}

#endif
