/* chan_close_closed.c: closing twice panics. */
#include <gort/chan.h>
#include <gort/go.h>

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_chan *c = gort_make_chan(int, 1);
    gort_chan_close(c);
    gort_chan_close(c);
    return c != NULL ? 0 : 1;
}
GORT_MAIN(start)
// expect-re: ^panic: close of closed channel$
// expect-re: ^goroutine 1 \[running\]:$
// exit: 2
