/* A program that dies while malloc can never be entered again: the report does without it. */
// It holds the lock of libc's malloc, which the sanitizers replace.
// skip-on: asan tsan
// exit: 2
// expect-re: ^panic: inside malloc$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^run\(\)$
// expect-re: ^\t/.*trace_malloc\.c:\d+ \+0x\w+$
// not: ^non-Go function
#include <gort.h>

#include <stdbool.h>
#include <unistd.h>

void *__libc_malloc(size_t n);
static volatile bool held;

void *malloc(size_t n)
{
    while (held)
        usleep(100000);
    return __libc_malloc(n);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    held = true;
    gort_panic(gort_any_string("inside malloc"));
}

GORT_MAIN(run)
