/* Memory of malloc's has no finalizers. */
// exit: 2
// expect-re: ^fatal error: runtime\.SetFinalizer: pointer not in allocated block$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^run\(\)$
#include <gort.h>

#include <stdlib.h>

static void finalizer(void *obj)
{
    (void)obj;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_set_finalizer(malloc(100), finalizer);
    return 0;
}

GORT_MAIN(run)
