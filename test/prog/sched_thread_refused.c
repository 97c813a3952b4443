/* The kernel refuses a thread, as it does at a limit of processes (which root has not: so by injection). */
// only-on: faults
// env: GORT_FAULT=thread_start:2
// env: GOMAXPROCS=4
// exit: 2
// expect-re: ^runtime: failed to create new OS thread \(have 2 already; errno=11\)$
// expect-re: ^runtime: may need to increase max user processes \(ulimit -u\)$
// expect-re: ^fatal error: newosproc$
// not: check failed
#include <gort.h>
#include <unistd.h>

static void hold_thread(void)
{
    gort_lock_os_thread();
    sleep(1000);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < 4; i++)
        gort_go(hold_thread);
    gort_sleep(INT64_C(1000000000000));
    return 0;
}
GORT_MAIN(run)
