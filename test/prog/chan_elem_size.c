/* chan_elem_size.c: elements of 64 KiB are too large, which nothing recovers from. */
#include <gort/chan.h>
#include <gort/go.h>

typedef struct {
    char b[65536];
} huge;

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return gort_make_chan(huge, 1) != NULL;
}
GORT_MAIN(start)
// expect-re: ^fatal error: makechan: invalid channel element type$
// exit: 2
