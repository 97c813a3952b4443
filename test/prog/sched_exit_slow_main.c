/* The main thread gets hardly any of its CPU: gort_run still returns there, however long that takes, and
 * what main() does afterwards is done. */
// expect: main is back with 7
// skip-on: arm64
// env: GOMAXPROCS=2
#include <gort.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    BUSY = 3,
    BUSY_SECONDS = 1
}; /* of CPU time, each: on a slow machine main gets its turn afterwards */
static pid_t busy[BUSY];

static void use_the_first_cpu(pid_t who)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    sched_setaffinity(who, sizeof one, &one);
}

static bool on_first_thread(void)
{
    return syscall(SYS_gettid) == getpid();
}

static int ends[2];

static void hold_first_thread(void)
{
    char c;
    if (on_first_thread() && read(ends[0], &c, 1) != 0)
        perror("read");
}

static int run(int argc, char **argv)
{
    struct sched_param p = {0};
    (void)argc;
    (void)argv;
    if (pipe(ends) != 0)
        return 1;
    while (on_first_thread()) { /* until another one runs goroutine 1, and stays with it */
        gort_go(hold_first_thread);
        gort_sleep(100000);
    }
    gort_lock_os_thread();
    close(ends[1]);
    while (gort_num_goroutine() > 1)
        gort_gosched();
    use_the_first_cpu(getpid());
    sched_setscheduler(getpid(), SCHED_IDLE, &p);
    return 7;
}

int main(int argc, char **argv)
{
    for (int i = 0; i < BUSY; i++) {
        busy[i] = fork();
        if (busy[i] == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            use_the_first_cpu(0);
            while (clock() < BUSY_SECONDS * CLOCKS_PER_SEC)
                ;
            _exit(0);
        }
    }
    int status = gort_run(run, argc, argv);
    printf("main is back with %d\n", status);
    for (int i = 0; i < BUSY; i++)
        kill(busy[i], SIGKILL);
    return 0;
}
