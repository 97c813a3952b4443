/* SetCPUProfileRate in Go's words; a rate that was set before is the profile's; whoever handles SIGPROF keeps
 * it. */
// link: -lz
// limit: 60
// skip-on: tsan arm64
// expect: runtime: cannot set cpu profile rate until previous profile has finished.
// expect: runtime: cannot set cpu profile rate until previous profile has finished.
// expect: samples of 4 ms
// expect: runtime: cannot set cpu profile rate: the program handles SIGPROF itself
// expect: no profile: Device or resource busy
#include "pprof_reader.h"

#include <errno.h>
#include <string.h>
#include <signal.h>
#include <time.h>

static volatile uint64_t sink;

static void compute_ms(long ms)
{
    struct timespec t, began;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &began);
    do {
        for (unsigned i = 0; i < 100000; i++)
            sink += i;
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    } while ((t.tv_sec - began.tv_sec) * 1000 + (t.tv_nsec - began.tv_nsec) / 1000000 < ms);
}

static void programs_own(int sig)
{
    (void)sig;
}

static int run(int argc, char **argv)
{
    char path[32];
    (void)argc;
    (void)argv;
    gort_lock_os_thread(); /* whose clock is read */
    gort_set_cpu_profile_rate(0);
    gort_set_cpu_profile_rate(-5);
    gort_set_cpu_profile_rate(250);
    compute_ms(50); /* for nobody */
    gort_set_cpu_profile_rate(100);
    int fd = pprof_temporary(path);
    if (gort_pprof_start_cpu_profile(fd) != 0)
        gort_panicf("start: %s", strerror(errno));
    compute_ms(200);
    if (gort_pprof_stop_cpu_profile() != 0)
        gort_panicf("stop: %s", strerror(errno));
    const struct pprof_file *p = pprof_read(path);
    long n = pprof_sum(p, "samples", ""), ns = pprof_sum(p, "cpu", "");
    printf("samples of %d ms\n", n > 0 ? (int)(ns / n / 1000000) : 0);
    fflush(stdout);
    unlink(path);
    signal(SIGPROF, programs_own);
    gort_set_cpu_profile_rate(100);
    if (gort_pprof_start_cpu_profile(fd) != 0)
        printf("no profile: %s\n", strerror(errno));
    raise(SIGPROF);
    return 0;
}
GORT_MAIN(run)
