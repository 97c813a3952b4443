/* What gort_attach_thread did not attach, gort_detach_thread does not detach. */
// exit: 2
// expect-re: ^fatal error: gort: this thread is not attached \(call gort_attach_thread first\)$
// expect-re: ^goroutine 1 \[running\]:$
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_detach_thread();
    return 0;
}
GORT_MAIN(run)
