/* A deep stack: a hundred frames are walked, hidden ones included. */
// exit: 2
// expect-re: ^panic: deep$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^deep\(\)$
// not: ^run\(\)$
#include <gort.h>

static __attribute__((noinline)) long deep(long n)
{
    if (n == 0)
        gort_panic(gort_any_string("deep"));
    long r = deep(n - 1);
    __asm__ volatile("" : "+r"(r));
    return r + 1;
}

static int run(int argc, char **argv)
{
    (void)argv;
    return (int)deep(300 + argc);
}

GORT_MAIN(run)
