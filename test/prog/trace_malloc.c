/* A program that dies while malloc can never be entered again: the monitor finishes the report. */
// It holds the lock of libc's malloc, which the sanitizers replace.
// skip-on: asan tsan
// limit: 15
// exit: 2
// expect-re: ^panic: inside malloc$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^non-Go function at pc=0x[0-9a-f]+$
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
