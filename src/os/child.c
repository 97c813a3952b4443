/* child.c: a process that looks at our memory as it is now.
 *
 * Owns    the clone of the running thread into a process of its own.
 * Holds   1. The child has one thread, all signals blocked, and ends with its parent.
 *         2. The program does not notice it: no SIGCHLD comes, wait() without __WALL or __WCLONE passes it
 *            by, no atfork handler runs.
 *         3. It holds no descriptor of the program open: it shares the table (CLONE_FILES), instead of
 *            having a copy of it. So a close in the program closes, and nobody pays for copying 10,000
 *            descriptors with the world stopped.
 * Locks   none. In the child the locks of other threads stay as they were, held ones for ever: libc's
 *         malloc, stdio and loader are out of bounds there.
 * An emulator (qemu-user) knows only fork and threads: it answers -EINVAL.
 */
#include "os/os.h"

#include "os/call.h"
#include "os/fault.h"

#include <errno.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum { KERNEL_SIGSET_BYTES = 8 };

/* Ends with the thread that made it, which may have ended already. */
static void end_with_parent(int parent)
{
    os_call5(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    if (os_call(SYS_getppid, 0, 0, 0, 0, 0, 0) != parent)
        os_exit(1);
}

int os_clone_child(void (*fn)(void *arg), void *arg)
{
    if (FAULT(clone_child))
        return -EAGAIN;
    uint64_t all = UINT64_MAX, old;
    int self = (int)os_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
    /* Raw, since libc's own leaves its two signals unblocked. */
    os_call4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, KERNEL_SIGSET_BYTES);
    int pid = (int)os_call5(SYS_clone, CLONE_FILES | CLONE_FS, 0, 0, 0, 0);
    if (pid == 0) {
        end_with_parent(self);
        fn(arg);
        os_exit(0);
    }
    os_call4(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, KERNEL_SIGSET_BYTES);
    return pid;
}

int os_child_wait(int pid)
{
    int status = 0;
    int64_t r;
    do
        r = os_call4(SYS_wait4, pid, &status, __WALL, NULL);
    while (r == -EINTR);
    if (FAULT(child_wait)) /* the program waited for all children, and got ours */
        return -ECHILD;
    return r < 0 ? (int)r : status;
}
