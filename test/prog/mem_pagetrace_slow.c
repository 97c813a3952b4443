/* GODEBUG=pagetrace: the file takes its time while exit(3), called by a goroutine, writes what is left. Others, whom
 * the collector stops meanwhile, and the collector itself, wait for that and nothing else. */
// no-fault: pagetrace_open
// env: GODEBUG=pagetrace=trace
// env: GOMAXPROCS=2
// exit: 7
// expect: over
#include <gort.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* An event has 8 bytes: together more than the pipe holds. */
enum { RUNS = 520, RUN_BYTES = 5 * 8192, PIPE_BYTES = 4096 };

static int file;

static void check(void)
{
    (void)!write(1, "over\n", 5);
}

/* Begins to read some time after the first bytes came. */
static void read_late(void)
{
    static char text[1 << 16];
    struct timespec now_and_then = {0, 1000000}, late = {0, 300000000};
    int n = 0;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (ioctl(file, FIONREAD, &n) == 0 && n == 0)
        nanosleep(&now_and_then, NULL);
    nanosleep(&late, NULL);
    while (read(file, text, sizeof text) > 0)
        ;
    _exit(0);
}

__attribute__((constructor)) static void make_slow_file(void)
{
    atexit(check);
    if (mkfifo("trace", 0600) != 0)
        _exit(1);
    file = open("trace", O_RDONLY | O_NONBLOCK);
    if (file < 0 || fcntl(file, F_SETFL, 0) != 0)
        _exit(1);
    /* Where it is refused nobody has to wait, and the program ends as well. */
    (void)fcntl(file, F_SETPIPE_SZ, PIPE_BYTES);
    if (fork() == 0)
        read_late();
}

static void leave(void)
{
    for (int i = 0; i < RUNS; i++)
        gort_alloc_noscan(RUN_BYTES);
    exit(7);
}

/* Once the file has something, the leaving one is at it. */
static void collect(void)
{
    int n = 0;
    while (ioctl(file, FIONREAD, &n) == 0 && n == 0)
        gort_gosched();
    for (;;)
        gort_gc();
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_go(collect);
    gort_go(leave);
    gort_sleep(INT64_C(3600) * 1000000000);
    return 0;
}
GORT_MAIN(run)
