/* chan_close_nil.c: closing a nil channel panics. */
#include <gort/chan.h>
#include <gort/go.h>

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_chan *c = gort_make_chan(int, 1);
    (void)c;
    gort_chan_close(NULL);
    return c != NULL ? 0 : 1;
}
GORT_MAIN(start)
// expect-re: ^panic: close of nil channel$
// expect-re: ^goroutine 1 \[running\]:$
// exit: 2
