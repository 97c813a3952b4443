/* A panic in a deferred function: the frames of both, with `panic` between. */
// exit: 2
// expect-re: ^panic: first$
// expect-re: ^\tpanic: second$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^clean_up\(\)$
// expect-re: ^panic\(\{0x[0-9a-f]+, 0x[0-9a-f]+\}\)$
// expect-re: ^work\(\)$
// expect-re: ^run\(\)$
#include <gort.h>

static void clean_up(void *arg)
{
    (void)arg;
    gort_panic(gort_any_string("second"));
}

static __attribute__((noinline)) void work(int n)
{
    GORT_SCOPE
    {
        gort_defer(clean_up, NULL);
        if (n > 0)
            gort_panic(gort_any_string("first"));
    }
}

static int run(int argc, char **argv)
{
    (void)argv;
    work(argc);
    return 0;
}

GORT_MAIN(run)
