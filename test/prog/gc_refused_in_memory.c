/* The kernel does not say which pages are in memory: of a thread in foreign code that computes, all that can be read
 * is looked at, and what it alone has is kept. */
// only-on: faults
// env: GODEBUG=clobberfree=1
// env: GORT_FAULT=vm_in_memory:1+
// expect: foreign frame: kept
// limit: 60
#include "cycles.h"
#include "keep.h"

static void foreign(void *arg)
{
    secret *volatile mine = secret_new("foreign");
    (void)arg;
    wipe_stack();
    for (unsigned from = cycles.count; cycles.count - from < 5;)
        ;
    show("foreign frame", mine, "foreign");
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    cycles_start(10000);
    gort_cgocall(foreign, NULL);
    cycles_stop();
    return 0;
}
GORT_MAIN(run)
