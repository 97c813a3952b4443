/* file.c: files, and other calls that block in the kernel.
 *
 * Owns    opening, syncing, waiting for children.
 * Instead of a thread per waiting parent: one child's end is waited for through a pidfd, which the
 *         poller knows.
 */
#include "io/io.h"

#include <fcntl.h>
#include <sys/wait.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

PARKS int gort_open(const char *path, int flags, unsigned mode)
{
    int64_t fd = io_announced(SYS_openat, AT_FDCWD, WORD(path), flags, (intptr_t)mode, 0, 0);
    if (fd >= 0)
        gort_fd_forget((int)fd); /* the number is new, whatever we knew of it */
    return (int)io_result(fd);
}

static PARKS int64_t sync_by(long nr, int fd)
{
    struct iofd *f;
    if (!io_can_park())
        return io_announced(nr, fd, 0, 0, 0, 0, 0);
    int64_t r = io_take(fd, IO_REF, &f);
    if (r == 0) {
        r = io_announced(nr, fd, 0, 0, 0, 0, 0);
        io_put(f, IO_REF);
    }
    return r;
}

PARKS int gort_fsync(int fd)
{
    return (int)io_result(sync_by(SYS_fsync, fd));
}

PARKS int gort_fdatasync(int fd)
{
    return (int)io_result(sync_by(SYS_fdatasync, fd));
}

/* Parks until `pid` has ended, where the kernel can tell; its status is still to be collected. */
static PARKS void wait_for_end_of(pid_t pid)
{
    struct iofd *f;
    int64_t fd = os_call2(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return;
    if (io_born((int)fd, IO_NONBLOCKING, false, false, true) < 0)
        return;
    if (io_take((int)fd, IO_READ, &f) == 0) {
        (void)io_wait(f, POLL_READ);
        io_put(f, IO_READ);
    }
    (void)gort_close((int)fd);
}

PARKS pid_t gort_waitpid(pid_t pid, int *status, int options)
{
    bool one_end = pid > 0 && (options & (WNOHANG | WUNTRACED | WCONTINUED)) == 0;
    if (one_end && io_can_park())
        wait_for_end_of(pid);
    return (pid_t)io_result(io_announced(SYS_wait4, pid, WORD(status), options, 0, 0, 0));
}
