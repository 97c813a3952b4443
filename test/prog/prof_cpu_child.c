/* A profile ends at the border of the process: a child that computes is sent no SIGPROF, whether it only
 * forked or runs another program; and gort_run's end leaves no timer behind. */
// limit: 120
// An emulated program asks this machine's kernel to run another of its own, which it cannot.
// skip-on: arm64
// skip-on: tsan
// expect: a fork: 0
// expect: another program: 0
// expect: after the end: no timer
#include <gort.h>

#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile uint64_t sink;

/* So much of this process's own CPU time. */
static void compute_ms(long ms)
{
    struct rusage r;
    do {
        for (unsigned i = 0; i < 100000; i++)
            sink += i;
        getrusage(RUSAGE_SELF, &r);
    } while (r.ru_utime.tv_sec * 1000 + r.ru_utime.tv_usec / 1000 < ms);
}

static void show(const char *what, pid_t child)
{
    int status = -1;
    while (waitpid(child, &status, 0) != child)
        ;
    printf("%s: %x\n", what, (unsigned)status);
    fflush(stdout);
}

static char *self_path;

static int run(int argc, char **argv)
{
    int null = open("/dev/null", O_WRONLY);
    (void)argc;
    (void)argv;
    if (gort_pprof_start_cpu_profile(null) != 0)
        gort_panicf("start: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0) {
        signal(SIGPROF, SIG_DFL);
        compute_ms(100);
        _exit(0);
    }
    show("a fork", child);
    child = fork();
    if (child == 0) {
        execl(self_path, self_path, "child", NULL);
        _exit(1);
    }
    show("another program", child);
    return 0;
}

static int timers(void)
{
    struct itimerval t;
    int n = 0, c;
    FILE *f = fopen("/proc/self/timers", "r"); /* kernels without it: empty */
    while (f != NULL && (c = getc(f)) != EOF)
        n += c == '\n';
    getitimer(ITIMER_PROF, &t);
    return n + (t.it_interval.tv_usec != 0);
}

int main(int argc, char **argv)
{
    self_path = argv[0];
    if (argc > 1) {
        compute_ms(100);
        return 0;
    }
    int status = gort_run(run, argc, argv);
    compute_ms(100);
    printf("after the end: %s\n", timers() == 0 ? "no timer" : "timers");
    return status;
}
