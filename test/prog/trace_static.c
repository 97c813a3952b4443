/* A statically linked program has no libraries to load: names come from its own symbol table, frames from the
 * frame pointers. */
// cflags: -static
// The sanitizers' libraries are shared ones here.
// skip-on: asan tsan
// exit: 2
// expect-re: ^panic: alone$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^inner\(\)$
// expect-re: ^\t\?:0 \+0x
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
