/* Package runtime's calls of the tracer: begun once, read in parts until the end, and begun again. */
// expect: runtime error: tracing is already enabled
// expect: begins as traces do, and ends
// expect: and again
// limit: 60
#include <gort.h>
#include <stdio.h>
#include <string.h>

static gort_chan *done;

static void reader(void)
{
    size_t n, total = 0;
    bool begins = false;
    for (const void *part; (part = gort_read_trace(&n)) != NULL; total += n)
        begins = total == 0 ? n >= 5 && memcmp(part, "go 1.", 5) == 0 : begins;
    begins = begins && total > 16;
    gort_chan_send(done, &begins);
}

static bool trace(void)
{
    bool begins = false;
    if (gort_start_trace().type != NULL)
        puts("not begun");
    gort_go(reader);
    gort_any again = gort_start_trace();
    static bool said;
    if (!said)
        puts(again.type != NULL ? gort_error_string(again) : "begun twice");
    said = true;
    for (int i = 0; i < 100; i++)
        gort_gosched();
    gort_stop_trace();
    gort_chan_recv(done, &begins);
    return begins;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    done = gort_make_chan(bool, 1);
    if (trace())
        puts("begins as traces do, and ends");
    if (trace())
        puts("and again");
    gort_stop_trace(); /* nothing runs: does nothing */
    return 0;
}

GORT_MAIN(run)
