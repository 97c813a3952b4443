/* An inner address will do for tiny objects only. */
// exit: 2
// expect-re: ^tiny ones may$
// expect-re: ^fatal error: runtime\.SetFinalizer: pointer not at beginning of allocated block$
// expect-re: ^goroutine 1 \[running\]:$
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
    for (int i = 0; i < 10; i++)
        gort_set_finalizer(gort_alloc_noscan(3), finalizer);
    puts("tiny ones may");
    fflush(stdout);
    gort_set_finalizer((char *)gort_alloc(64) + 8, finalizer);
    return 0;
}

GORT_MAIN(run)
