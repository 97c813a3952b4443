/* One reader too many leaves. */
// exit: 2
// expect-re: ^fatal error: sync: RUnlock of unlocked RWMutex$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// not: runtime stack|fp=0x
#include <gort.h>

static int run(int argc, char **argv)
{
    static gort_rwmutex m;
    (void)argc;
    (void)argv;
    gort_rwmutex_rlock(&m);
    gort_rwmutex_runlock(&m);
    gort_rwmutex_runlock(&m);
    return 0;
}

GORT_MAIN(run)
