/* Unlocking a mutex that nobody holds cannot be recovered from. */
// exit: 2
// expect-re: ^fatal error: sync: unlock of unlocked mutex$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^unlock\(
// expect-re: ^\t/.*sync_unlock\.c:16 \+0x[0-9a-f]+$
// not: ^panic|recovered|runtime stack|fp=0x
#include <gort.h>

#include <stdio.h>

static void __attribute__((noinline)) unlock(void *arg)
{
    (void)arg;
    gort_mutex_unlock(&(gort_mutex){0});
    puts("not here");
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (gort_try(unlock, NULL, NULL))
        puts("recovered");
    return 0;
}

GORT_MAIN(run)
