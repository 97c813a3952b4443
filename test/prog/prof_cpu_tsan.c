/* ThreadSanitizer tolerates no signal at an arbitrary place: there is no CPU profile, and it says so. */
// only-on: tsan
// expect: Operation not supported
// expect: runtime: cannot set cpu profile rate: ThreadSanitizer tolerates no signals
#include <gort.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    if (gort_pprof_start_cpu_profile(1) != 0)
        printf("%s\n", strerror(errno));
    fflush(stdout);
    gort_set_cpu_profile_rate(100);
    return 0;
}
GORT_MAIN(run)
