/* chan_make_size.c: a buffer larger than memory panics. */
#include <gort/chan.h>
#include <gort/go.h>

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_chan *c = gort_make_chan(int, 1);
    c = gort_make_chan(int64_t, (size_t)1 << 60);
    return c != NULL ? 0 : 1;
}
GORT_MAIN(start)
// expect-re: ^panic: makechan: size out of range$
// expect-re: ^goroutine 1 \[running\]:$
// exit: 2
