/* A goroutine that waits for finalizers keeps no program alive. */
// exit: 2
// expect-re: ^fatal error: all goroutines are asleep - deadlock!$
// expect-re: ^goroutine 1 \[chan receive \(nil chan\)\]:$
// not: finalizer wait
#include <gort.h>

static void finalizer(void *obj)
{
    (void)obj;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_set_finalizer(gort_alloc(64), finalizer);
    gort_chan_recv(NULL, NULL);
    return 0;
}

GORT_MAIN(run)
