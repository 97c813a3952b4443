/* GODEBUG=pagetrace: exit(3) called by a goroutine writes what is left, too. */
// no-fault: pagetrace_open
// env: GODEBUG=pagetrace=trace
// exit: 7
// expect: 50 runs
#include "pagetrace_reader.h"

#include <gort.h>

/* Registered before the runtime starts, so it runs after the runtime's own handler. */
static void check(void)
{
    struct trace_read t;
    trace_read(&t, "trace");
    size_t n = 0;
    for (size_t i = 0; i < t.n; i++)
        n += t.event[i].type == TRACE_ALLOC && t.event[i].npages == 77;
    printf("%zu runs%s%s\n", n, t.wrong[0] != 0 ? ", " : "", t.wrong);
}

__attribute__((constructor)) static void at_the_end(void)
{
    atexit(check);
}

static void leave(void)
{
    for (int i = 0; i < 50; i++)
        gort_alloc_noscan(77 * TRACE_PAGE);
    exit(7);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_go(leave);
    gort_sleep(INT64_C(3600) * 1000000000);
    return 0;
}
GORT_MAIN(run)
