/* GODEBUG=pagetrace: what several Ps and the collector do to pages, read again when all is over. */
// no-fault: vm_decommit pagetrace_open
// env: GODEBUG=pagetrace=trace
// env: GOMAXPROCS=4
// expect: allocated and freed
// expect: small and large
// expect: given back
// expect: several Ps, and none
// limit: 30
#include "pagetrace_reader.h"

#include <gort.h>
#include <gort/debug.h>

enum { WORKERS = 8, OBJECTS = 200 };

static void say(int yes, const char *what)
{
    printf("%s%s\n", yes ? "" : "not ", what);
}

/* Registered before the runtime starts, so it runs after the runtime's own handler. */
static void check(void)
{
    struct trace_read t;
    trace_read(&t, "trace");
    if (t.wrong[0] != 0)
        printf("wrong: %s\n", t.wrong);
    say(t.count[TRACE_ALLOC] >= WORKERS * OBJECTS && t.count[TRACE_FREE] > 100,
        "allocated and freed");
    say(t.large > 0 && t.n > t.large, "small and large");
    say(t.count[TRACE_SCAVENGE] > 0, "given back");
    say(t.ps >= 2, "several Ps, and none");
}

__attribute__((constructor)) static void at_the_end(void)
{
    atexit(check);
}

static void worker(void *arg)
{
    gort_waitgroup *done = arg;
    for (int i = 0; i < OBJECTS; i++) {
        char *p = gort_alloc_noscan(40000 + 1000 * (size_t)(i % 20));
        p[0] = 1;
        gort_alloc(16 << (i % 8));
        if (i % 50 == 0)
            gort_gosched();
    }
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    static gort_waitgroup done;
    gort_waitgroup_add(&done, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        gort_go(worker, &done);
    gort_waitgroup_wait(&done);
    gort_alloc_noscan(20 << 20);
    gort_gc();
    gort_gc();
    gort_debug_free_os_memory();
    return 0;
}
GORT_MAIN(run)
