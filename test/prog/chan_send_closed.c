/* chan_send_closed.c: a send on a closed channel panics. */
#include <gort/chan.h>
#include <gort/go.h>

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_chan *c = gort_make_chan(int, 1);
    gort_chan_close(c);
    gort_chan_send(c, &argc);
    return c != NULL ? 0 : 1;
}
GORT_MAIN(start)
// expect-re: ^panic: send on closed channel$
// expect-re: ^goroutine 1 \[running\]:$
// exit: 2
