/* A statically linked program has no libraries to load: names and lines are read from its own file all
 * the same, frames found by frame pointers. */
// cflags: -static
// The sanitizers' libraries are shared ones here.
// skip-on: asan tsan
// exit: 2
// expect-re: ^panic: alone$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^inner\(\)$
// expect-re: ^\t/.*trace_static\.c:18 \+0x[0-9a-f]+$
// expect-re: ^run\(\)$
// not: non-Go function
#include <gort.h>

static __attribute__((noinline)) void inner(int n)
{
    if (n > 0)
        gort_panic(gort_any_string("alone"));
}

static int run(int argc, char **argv)
{
    (void)argv;
    inner(argc);
    return argc;
}

GORT_MAIN(run)
