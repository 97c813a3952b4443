/* The first timer wants the poller, and there is no descriptor left for it: the end, as in Go. */
// exit: 2
// expect: start
// expect-re: ^runtime: epollcreate failed with 24$
// expect-re: ^fatal error: runtime: netpollinit failed$
// expect-re: ^runtime stack:$
// not: not here|check failed
#include <gort.h>

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static int run(int argc, char **argv)
{
    struct rlimit limit = {32, 32};
    (void)argc;
    (void)argv;
    puts("start");
    fflush(stdout);
    setrlimit(RLIMIT_NOFILE, &limit);
    while (dup(0) >= 0)
        ;
    gort_sleep(10000000);
    puts("not here");
    return 0;
}
GORT_MAIN(run)
