/* A second finalizer is refused, as in Go with the runtime's own stack in front. */
// exit: 2
// expect-re: ^once more is well after it was taken away$
// expect-re: ^fatal error: runtime\.SetFinalizer: finalizer already set$
// expect-re: ^runtime stack:$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^gort_set_finalizer\(\)$
// expect-re: ^run\(\)$
#include <gort.h>

#include <stdio.h>

static void finalizer(void *obj)
{
    (void)obj;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    void *p = gort_alloc(64);
    gort_set_finalizer(p, finalizer);
    gort_set_finalizer(p, NULL);
    gort_set_finalizer(p, NULL);
    gort_set_finalizer(p, finalizer);
    puts("once more is well after it was taken away");
    fflush(stdout);
    gort_set_finalizer(p, finalizer);
    return 0;
}

GORT_MAIN(run)
