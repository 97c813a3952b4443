/* chan_nil_recv.c: a receive from a nil channel waits for ever, and says so. */
#include <gort/chan.h>
#include <gort/go.h>

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_chan_recv(NULL, NULL);
    return 0;
}
GORT_MAIN(start)
// expect-re: ^fatal error: all goroutines are asleep - deadlock!$
// expect-re: ^goroutine 1 \[chan receive \(nil chan\)\]:$
// exit: 2
