/* chan_nil_send.c: a send to a nil channel waits for ever, and says so. */
#include <gort/chan.h>
#include <gort/go.h>

static int start(int argc, char **argv)
{
    (void)argv;
    gort_chan_send(NULL, &argc);
    return 0;
}
GORT_MAIN(start)
// expect-re: ^fatal error: all goroutines are asleep - deadlock!$
// expect-re: ^goroutine 1 \[chan send \(nil chan\)\]:$
// exit: 2
