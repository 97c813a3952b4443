/* Unlocking for writing what is only read. */
// exit: 2
// expect-re: ^fatal error: sync: Unlock of unlocked RWMutex$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^gort_rwmutex_unlock\(\)$
// expect-re: ^run\(\)$
// not: runtime stack|fp=0x
#include <gort.h>

static int run(int argc, char **argv)
{
    static gort_rwmutex m;
    (void)argc;
    (void)argv;
    gort_rwmutex_rlock(&m);
    gort_rwmutex_unlock(&m);
    return 0;
}

GORT_MAIN(run)
