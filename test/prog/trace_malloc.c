/* A program that dies while malloc can never be entered again: the report does without, and is whole. */
// It holds the lock of libc's malloc, which the sanitizers replace.
// skip-on: asan tsan
// no-fault: open_file
// limit: 15
// exit: 2
// expect-re: ^panic: inside malloc$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^inner\(\)$
// expect-re: ^\t/.*trace_malloc\.c:30 \+0x[0-9a-f]+$
// expect-re: ^run\(\)$
// not: ^(non-Go function|runtime: names of functions cannot be had)
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

static __attribute__((noinline)) void inner(void)
{
    gort_panic(gort_any_string("inside malloc"));
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    held = true;
    inner();
    return 0;
}

GORT_MAIN(run)
