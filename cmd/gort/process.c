/* process.c: children, and signals while they run.
 *
 * Holds   1. `child` is the running child's id or 0; it is written with the four signals blocked,
 *            so the handler never sends to a process that has been waited for.
 */
#include "cmd.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const int held[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};
static volatile sig_atomic_t child, interrupted;

static void on_signal(int sig)
{
    int keep = errno;
    interrupted = 1;
    if (child != 0 && (sig == SIGTERM || sig == SIGHUP))
        kill(child, sig);
    errno = keep;
}

static void held_set(sigset_t *set)
{
    sigemptyset(set);
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
        sigaddset(set, held[i]);
}

void process_hold_signals(void)
{
    struct sigaction act = {.sa_handler = on_signal}, old;
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++)
        if (sigaction(held[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(held[i], &act, NULL);
}

bool process_interrupted(void)
{
    return interrupted != 0;
}

/* Starts argv with the signal mask `mask`; 0 or an error number. */
static int start(char *const *argv, const sigset_t *mask, pid_t *pid)
{
    posix_spawnattr_t attr;
    int err = posix_spawnattr_init(&attr);
    if (err != 0)
        return err;
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attr, mask);
    err = posix_spawnp(pid, argv[0], NULL, &attr, argv, environ);
    posix_spawnattr_destroy(&attr);
    return err;
}

/* Waits without reaping, so that the id stays the child's until `child` is cleared. */
static int wait_for(pid_t pid, const sigset_t *four)
{
    siginfo_t info;
    int status = 0;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
        continue;
    sigset_t old;
    sigprocmask(SIG_BLOCK, four, &old);
    waitpid(pid, &status, 0);
    child = 0;
    sigprocmask(SIG_SETMASK, &old, NULL);
    return status;
}

int process_run(char *const *argv)
{
    fflush(NULL);
    sigset_t four, old;
    held_set(&four);
    sigprocmask(SIG_BLOCK, &four, &old);
    pid_t pid = 0;
    int err = start(argv, &old, &pid);
    if (err == 0)
        child = pid;
    sigprocmask(SIG_SETMASK, &old, NULL);
    if (err == 0)
        return wait_for(pid, &four);
    if (err == ENOENT && strchr(argv[0], '/') == NULL)
        fprintf(stderr, "gort: exec: \"%s\": executable file not found in $PATH\n", argv[0]);
    else
        fprintf(stderr, "gort: exec: \"%s\": %s\n", argv[0], strerror(err));
    return -1;
}

/* Go's names (syscall.Signal.String). */
static const char *signal_text(int sig)
{
    switch (sig) {
    case SIGABRT:
        return "aborted";
    case SIGALRM:
        return "alarm clock";
    case SIGBUS:
        return "bus error";
    case SIGFPE:
        return "floating point exception";
    case SIGHUP:
        return "hangup";
    case SIGILL:
        return "illegal instruction";
    case SIGINT:
        return "interrupt";
    case SIGKILL:
        return "killed";
    case SIGPIPE:
        return "broken pipe";
    case SIGQUIT:
        return "quit";
    case SIGSEGV:
        return "segmentation fault";
    case SIGTERM:
        return "terminated";
    case SIGTRAP:
        return "trace/breakpoint trap";
    case SIGUSR1:
        return "user defined signal 1";
    case SIGUSR2:
        return "user defined signal 2";
    default:
        return NULL;
    }
}

bool process_say_status(int status)
{
    if (WIFEXITED(status)) {
        if (WEXITSTATUS(status) == 0)
            return false;
        fprintf(stderr, "exit status %d\n", WEXITSTATUS(status));
        return true;
    }
    const char *text = signal_text(WTERMSIG(status));
    const char *core = WCOREDUMP(status) ? " (core dumped)" : "";
    if (text != NULL)
        fprintf(stderr, "signal: %s%s\n", text, core);
    else
        fprintf(stderr, "signal: signal %d%s\n", WTERMSIG(status), core);
    return true;
}
