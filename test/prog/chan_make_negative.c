/* chan_make_negative.c: a negative capacity, which in C is a size larger than memory, panics. */
// exit: 2
// expect-re: ^panic: makechan: size out of range$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^start\(\)$
// expect-re: ^\t/.*chan_make_negative\.c:17 \+0x[0-9a-f]+$
// not: runtime error
#include <gort/chan.h>
#include <gort/go.h>

static int start(int argc, char **argv)
{
    volatile int cap = -1;
    (void)argc;
    (void)argv;
    return gort_make_chan(int, (size_t)cap) != NULL;
}
GORT_MAIN(start)
