/* A panic in functions that the compiler put into each other: each call has its frame. */
// exit: 2
// expect-re: ^panic: boom$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^innermost\(\.\.\.\)$
// expect-re: ^\t/.*trace_inline\.c:23$
// expect-re: ^middle\(\.\.\.\)$
// expect-re: ^\t/.*trace_inline\.c:29$
// expect-re: ^outer\(\)$
// expect-re: ^\t/.*trace_inline\.c:35 \+0x[0-9a-f]+$
// expect-re: ^run\(\)$
// expect-re: ^\t/.*trace_inline\.c:41 \+0x[0-9a-f]+$
// not: panic\(|gort_panic|arch_start|fp=0x|runtime stack
#include <gort.h>

#define INTO_CALLER static inline __attribute__((always_inline))
#define APART       static __attribute__((noinline))

INTO_CALLER void innermost(int n)
{
    if (n > 0)
        gort_panic(gort_any_string("boom"));
}

INTO_CALLER void middle(int n)
{
    if (n < 10)
        innermost(n);
}

APART void outer(int n)
{
    if (n != 3)
        middle(n);
}

static int run(int argc, char **argv)
{
    (void)argv;
    outer(argc);
    return 0;
}

GORT_MAIN(run)
