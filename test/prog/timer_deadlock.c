/* timer_deadlock.c: once the last timer has fired, waiting is a deadlock. */
#include <gort/go.h>
#include <gort/time.h>

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_chan *c = gort_after(5 * GORT_MILLISECOND);
    gort_chan_recv(c, NULL);
    gort_chan_recv(c, NULL);
    return 0;
}
GORT_MAIN(start)
// expect-re: ^fatal error: all goroutines are asleep - deadlock!$
// expect-re: ^goroutine 1 \[chan receive\]:$
// exit: 2
