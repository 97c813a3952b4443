/* What a foreign call has on its stack, the goroutine's frames above it, and what a call back into the
 * program was given, stays. */
// env: GODEBUG=clobberfree=1
// expect: foreign frame: kept
// expect: argument of a callback: kept
// expect: frame of the caller: kept
// limit: 60
#include "cycles.h"
#include "keep.h"
#include <time.h>

static void sleep_ns(long ns)
{
    struct timespec t = {0, ns};
    nanosleep(&t, NULL);
}

__attribute__((noinline)) static void callback(secret *given)
{
    for (int i = 0; i < 3; i++)
        collect();
    show("argument of a callback", given, "given");
}

static void foreign(void *arg)
{
    secret *volatile mine = secret_new("foreign");
    (void)arg;
    wipe_stack();
    for (unsigned from = cycles.count; cycles.count - from < 5;)
        sleep_ns(1000000);
    show("foreign frame", mine, "foreign");
    callback(secret_new("given"));
}

static int run(int argc, char **argv)
{
    secret *volatile mine = secret_new("caller");
    (void)argc;
    (void)argv;
    cycles_start(10000);
    wipe_stack();
    gort_cgocall(foreign, NULL);
    show("frame of the caller", mine, "caller");
    cycles_stop();
    return 0;
}
GORT_MAIN(run)
