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

static void spin(void)
{
    for (int i = 0; i < 100; i++)
        gort_gosched();
}

static int run(int argc, char **argv)
{
    struct sched_param p = {0};
    (void)argc;
    (void)argv;
    while (syscall(SYS_gettid) == getpid()) { /* until another thread runs goroutine 1 */
        gort_go(spin);
        gort_sleep(100000);
    }
    gort_lock_os_thread();
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
