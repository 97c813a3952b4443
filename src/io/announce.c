/* announce.c: libc's calls that a signal handler ends, announced.
 *
 * Owns    nanosleep, poll, select, epoll_wait and the others below, under libc's own names.
 * Holds   1. On a goroutine the call is bracketed by sched_enter_syscall and sched_exit_syscall:
 *            the processor is free at once, and the monitor never interrupts the call with SIGURG. So
 *            code that knows nothing of the runtime sees no EINTR and no short sleep of our making.
 *         2. On any other thread, before gort_run, inside the runtime, and between
 *            gort_enter_syscall and gort_exit_syscall, the name does what libc's does, and is a
 *            cancellation point as there. On a goroutine it is none: its thread is not the
 *            program's to cancel.
 *         3. A result is kept in a variable over the return to the runtime, where the goroutine may
 *            change threads; errno is set last.
 *         4. While CPU time is profiled, SIGPROF is blocked during the call, of any thread: the timers
 *            send it to who runs, so only a call that is about to sleep or to return would notice. It
 *            comes afterwards.
 * Locks   none.
 * Instead of restarting after EINTR: a sleep that was interrupted by the program's own signal must
 *         say so. The calls that the kernel does restart (read, futex, wait4, ...) need nothing. Not
 *         covered: sockets with SO_RCVTIMEO or SO_SNDTIMEO, which the kernel does not restart either.
 *
 * The parameters that libc declares nonnull are handed to the kernel unread, so that EFAULT stays EFAULT.
 */
#include "io/io.h"

#include "base/probe.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

#define SIGSET_BYTES 8 /* the kernel's sigset_t */
/* Weak: libgort_posix, linked before, has its own. */
#define LIBC GORT_API __attribute__((weak))

/* The call itself. */
static int64_t call(bool cancellable, long nr, intptr_t a, intptr_t b, intptr_t c, intptr_t d,
                    intptr_t e, intptr_t f)
{
    bool profiled = probe_on(PROBE_CPU);
    sigset_t old;
    if (profiled)
        old = os_signal_block(SIGPROF);
    int64_t r =
        cancellable ? os_call_cancellable(nr, a, b, c, d, e, f) : os_call(nr, a, b, c, d, e, f);
    if (profiled)
        os_signal_set_mask(&old);
    return r;
}

/* What the kernel is to block meanwhile, where the program says: holds 4. */
static const sigset_t *and_profile(const sigset_t *mask, sigset_t *copy)
{
    if (mask == NULL || !probe_on(PROBE_CPU))
        return mask;
    sigemptyset(copy);
    memcpy(copy, mask, SIGSET_BYTES);
    sigaddset(copy, SIGPROF);
    return copy;
}

/* The result or -errno. */
static PARKS int64_t announced(long nr, intptr_t a, intptr_t b, intptr_t c, intptr_t d, intptr_t e,
                               intptr_t f)
{
    if (!announce_possible())
        return call(true, nr, a, b, c, d, e, f);
    sched_enter_syscall();
    int64_t r = call(false, nr, a, b, c, d, e, f);
    sched_exit_syscall();
    return r;
}

/* A call that is told not to wait needs no announcement. */
static PARKS int64_t announced_if(bool waits, long nr, intptr_t a, intptr_t b, intptr_t c,
                                  intptr_t d, intptr_t e, intptr_t f)
{
    return waits ? announced(nr, a, b, c, d, e, f) : os_call_cancellable(nr, a, b, c, d, e, f);
}

/* ---- sleeping */

static PARKS int64_t sleep_on(clockid_t clock, int flags, const struct timespec *want,
                              struct timespec *left)
{
    if (clock == CLOCK_THREAD_CPUTIME_ID) /* as libc */
        return -EINVAL;
    return announced(SYS_clock_nanosleep, clock, flags, WORD(want), WORD(left), 0, 0);
}

LIBC int nanosleep(const struct timespec *want, struct timespec *left)
{
    return (int)io_result(sleep_on(CLOCK_REALTIME, 0, want, left));
}

LIBC int clock_nanosleep(clockid_t clock, int flags, const struct timespec *want,
                         struct timespec *left)
{
    return (int)-sleep_on(clock, flags, want, left);
}

LIBC int thrd_sleep(const struct timespec *want, struct timespec *left)
{
    int64_t r = sleep_on(CLOCK_REALTIME, 0, want, left);
    return r == 0 ? 0 : r == -EINTR ? -1 : -2;
}

LIBC int usleep(useconds_t us)
{
    struct timespec want = {us / 1000000, us % 1000000 * 1000l};
    return (int)io_result(sleep_on(CLOCK_REALTIME, 0, &want, NULL));
}

LIBC unsigned sleep(unsigned seconds)
{
    struct timespec want = {seconds, 0}, left = {0, 0};
    return sleep_on(CLOCK_REALTIME, 0, &want, &left) == 0 ? 0 : (unsigned)left.tv_sec;
}

LIBC int pause(void)
{
    return (int)io_result(announced(SYS_ppoll, 0, 0, 0, 0, 0, 0));
}

LIBC int sigsuspend(const sigset_t *mask)
{
    sigset_t both;
    mask = and_profile(mask, &both);
    return (int)io_result(announced(SYS_rt_sigsuspend, WORD(mask), SIGSET_BYTES, 0, 0, 0, 0));
}

/* ---- readiness */

LIBC int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    struct timespec ts = {timeout_ms / 1000, timeout_ms % 1000 * 1000000l};
    return (int)io_result(announced_if(timeout_ms != 0, SYS_ppoll, WORD(fds), (intptr_t)n,
                                       timeout_ms < 0 ? 0 : WORD(&ts), 0, 0, 0));
}

LIBC int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *timeout, const sigset_t *mask)
{
    struct timespec copy; /* the kernel writes the rest back, libc does not */
    sigset_t both;
    mask = and_profile(mask, &both);
    if (timeout != NULL)
        copy = *timeout;
    return (int)io_result(announced(SYS_ppoll, WORD(fds), (intptr_t)n,
                                    timeout != NULL ? WORD(&copy) : 0, WORD(mask), SIGSET_BYTES,
                                    0));
}

struct mask_arg {
    const sigset_t *mask;
    size_t bytes;
};

LIBC int pselect(int n, fd_set *readers, fd_set *writers, fd_set *others,
                 const struct timespec *timeout, const sigset_t *mask)
{
    struct timespec copy;
    sigset_t both;
    struct mask_arg m = {and_profile(mask, &both), SIGSET_BYTES};
    if (timeout != NULL)
        copy = *timeout;
    return (int)io_result(announced(SYS_pselect6, n, WORD(readers), WORD(writers), WORD(others),
                                    timeout != NULL ? WORD(&copy) : 0, WORD(&m)));
}

/* Writes the time that is left back, as Linux's select does. */
LIBC int select(int n, fd_set *readers, fd_set *writers, fd_set *others, struct timeval *timeout)
{
    struct timespec ts;
    bool waits = true;
    if (timeout != NULL) {
        if (timeout->tv_sec < 0 || timeout->tv_usec < 0)
            return (int)io_result(-EINVAL);
        if (__builtin_add_overflow(timeout->tv_sec, timeout->tv_usec / 1000000, &ts.tv_sec))
            ts.tv_sec = INT64_MAX;
        ts.tv_nsec = timeout->tv_usec % 1000000 * 1000;
        waits = ts.tv_sec != 0 || ts.tv_nsec != 0;
    }
    int64_t r = announced_if(waits, SYS_pselect6, n, WORD(readers), WORD(writers), WORD(others),
                             timeout != NULL ? WORD(&ts) : 0, 0);
    if (timeout != NULL) {
        timeout->tv_sec = ts.tv_sec;
        timeout->tv_usec = ts.tv_nsec / 1000;
    }
    return (int)io_result(r);
}

LIBC int epoll_pwait(int ep, struct epoll_event *events, int max, int timeout_ms,
                     const sigset_t *mask)
{
    sigset_t both;
    mask = and_profile(mask, &both);
    return (int)io_result(announced_if(timeout_ms != 0, SYS_epoll_pwait, ep, WORD(events), max,
                                       timeout_ms, WORD(mask), SIGSET_BYTES));
}

LIBC int epoll_wait(int ep, struct epoll_event *events, int max, int timeout_ms)
{
    return epoll_pwait(ep, events, max, timeout_ms, NULL);
}

LIBC int epoll_pwait2(int ep, struct epoll_event *events, int max, const struct timespec *timeout,
                      const sigset_t *mask)
{
    sigset_t both;
    mask = and_profile(mask, &both);
    return (int)io_result(announced(SYS_epoll_pwait2, ep, WORD(events), max, WORD(timeout),
                                    WORD(mask), SIGSET_BYTES));
}

/* ---- signals */

LIBC int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    int64_t r =
        announced(SYS_rt_sigtimedwait, WORD(set), WORD(info), WORD(timeout), SIGSET_BYTES, 0, 0);
    if (r >= 0 && info != NULL && info->si_code == SI_TKILL) /* as libc: raise is a kill */
        info->si_code = SI_USER;
    return (int)io_result(r);
}

LIBC int sigwaitinfo(const sigset_t *set, siginfo_t *info)
{
    return sigtimedwait(set, info, NULL);
}

/* ---- System V */

LIBC int semtimedop(int id, struct sembuf *ops, size_t n, const struct timespec *timeout)
{
    return (int)io_result(announced(SYS_semtimedop, id, WORD(ops), WORD(n), WORD(timeout), 0, 0));
}

LIBC int semop(int id, struct sembuf *ops, size_t n)
{
    return semtimedop(id, ops, n, NULL);
}

LIBC ssize_t msgrcv(int id, void *msg, size_t len, long type, int flags)
{
    return io_result(announced(SYS_msgrcv, id, WORD(msg), WORD(len), type, flags, 0));
}

LIBC int msgsnd(int id, const void *msg, size_t len, int flags)
{
    return (int)io_result(announced(SYS_msgsnd, id, WORD(msg), WORD(len), flags, 0, 0));
}
