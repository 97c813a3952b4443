/* A failure while the report is printed: frames without names, and still status 2. */
// It breaks libc's malloc, which the sanitizers replace.
// skip-on: asan tsan
// exit: 2
// expect-re: ^panic: once$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^fatal error: unexpected signal during runtime execution$
// expect-re: ^panic during panic$
// expect-re: ^non-Go function at pc=0x[0-9a-f]+$
#include <gort.h>

#include <stdbool.h>

void *__libc_malloc(size_t n);
static volatile bool broken;

void *malloc(size_t n)
{
    if (broken)
        *(volatile int *)16 = 1;
    return __libc_malloc(n);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    broken = true;
    gort_panic(gort_any_string("once"));
}

GORT_MAIN(run)
