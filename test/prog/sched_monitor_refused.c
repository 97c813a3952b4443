/* Not even the monitor gets a thread. */
// only-on: faults
// env: GORT_FAULT=thread_start:1
// exit: 2
// expect-re: ^runtime: failed to create new OS thread \(have 1 already; errno=11\)$
// expect-re: ^runtime: may need to increase max user processes \(ulimit -u\)$
// expect-re: ^fatal error: newosproc$
#include <gort.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    return 0;
}
GORT_MAIN(run)
