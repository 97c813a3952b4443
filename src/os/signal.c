/* signal.c: handlers, masks and alternate stacks.
 *
 * With ThreadSanitizer in the process handlers are installed with the raw system call, because its own
 * sigaction delays them until the next call it intercepts, and takes our signal stack for its own.
 */
#include "os/os.h"
#include "base/check.h"
#include "base/track.h"
#include "os/fault.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
struct kernel_sigaction {
    void *handler;
    unsigned long flags;
    void (*restorer)(void);
    uint64_t mask;
};
void os_sigreturn(void);
__asm__(".text\n.globl os_sigreturn\n.hidden os_sigreturn\n.type os_sigreturn,@function\n"
        "nop\nos_sigreturn:\n\tmovq $15, %rax\n\tsyscall\n");

static bool set_raw(int sig, os_signal_fn fn)
{
    struct kernel_sigaction ka = {
        .handler = (void *)fn,
        .flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART | 0x04000000UL /* SA_RESTORER */,
        .restorer = os_sigreturn,
        .mask = ~0ULL,
    };
    return syscall(SYS_rt_sigaction, sig, &ka, NULL, sizeof ka.mask) == 0;
}
#else
static bool set_raw(int sig, os_signal_fn fn);
#endif

static bool set_plain(int sig, os_signal_fn fn)
{
    struct sigaction sa;
    memset(&sa, 0, sizeof sa);
    sa.sa_sigaction = fn;
    sa.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigfillset(&sa.sa_mask);
    return sigaction(sig, &sa, NULL) == 0;
}

#if !defined(__x86_64__)
static bool set_raw(int sig, os_signal_fn fn)
{
    return set_plain(sig, fn);
}
#endif

static bool set_handler(int sig, os_signal_fn fn)
{
    return track_fibers() ? set_raw(sig, fn) : set_plain(sig, fn);
}

bool os_signal_install(int sig, os_signal_fn fn)
{
    struct sigaction old;
    int keep = errno;
    bool ok = sigaction(sig, NULL, &old) == 0 && (old.sa_flags & SA_SIGINFO) == 0 &&
              old.sa_handler == SIG_DFL && set_handler(sig, fn);
    errno = keep;
    return ok;
}

bool os_signal_take(int sig, os_signal_fn fn)
{
    struct sigaction old;
    int keep = errno;
    bool ok = sigaction(sig, NULL, &old) == 0;
    if (ok && (old.sa_flags & SA_SIGINFO) != 0)
        ok = old.sa_sigaction == fn;
    else if (ok)
        ok = (old.sa_handler == SIG_DFL || old.sa_handler == SIG_IGN) && set_handler(sig, fn);
    errno = keep;
    return ok;
}

void os_signal_default(int sig)
{
    struct sigaction sa;
    int keep = errno;
    memset(&sa, 0, sizeof sa);
    sa.sa_handler = SIG_DFL;
    sigaction(sig, &sa, NULL);
    errno = keep;
}

void os_signal_stack(size_t bytes)
{
    stack_t st = {.ss_size = bytes};
    int keep = errno;
    st.ss_sp = os_map(bytes);
    if (st.ss_sp == NULL || FAULT(signal_stack) || sigaltstack(&st, NULL) != 0)
        throw("cannot set the signal stack");
    errno = keep;
}

void os_signal_stack_drop(void)
{
    stack_t none = {.ss_flags = SS_DISABLE}, old;
    if (sigaltstack(&none, &old) == 0 && (old.ss_flags & SS_DISABLE) == 0)
        os_unmap(old.ss_sp, old.ss_size);
}

void os_signal_stack_bounds(uintptr_t *lo, uintptr_t *hi)
{
    stack_t st;
    *lo = *hi = 0;
    if (sigaltstack(NULL, &st) != 0 || (st.ss_flags & SS_DISABLE) != 0)
        return;
    *lo = (uintptr_t)st.ss_sp;
    *hi = *lo + st.ss_size;
}

void os_signal_block_all(sigset_t *old)
{
    sigset_t all;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGTRAP);
    sigdelset(&all, SIGABRT);
    pthread_sigmask(SIG_SETMASK, &all, old);
}

void os_signal_set_mask(const sigset_t *mask)
{
    pthread_sigmask(SIG_SETMASK, mask, NULL);
}

sigset_t os_signal_block(int sig)
{
    sigset_t one, old;
    sigemptyset(&one);
    sigaddset(&one, sig);
    pthread_sigmask(SIG_BLOCK, &one, &old);
    return old;
}

void os_signal_unblock(int sig)
{
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, sig);
    pthread_sigmask(SIG_UNBLOCK, &one, NULL);
}

bool os_signal_blocked(int sig)
{
    sigset_t now;
    return pthread_sigmask(SIG_BLOCK, NULL, &now) == 0 && sigismember(&now, sig) == 1;
}
