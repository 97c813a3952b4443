/* fd.c: the few calls on descriptors that the lower floors need. */
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <sys/syscall.h>

/* The raw calls: `read` and `write` themselves may be libgort_posix's. */
int64_t os_write(int fd, const void *buf, size_t n)
{
    int keep = errno;
    int64_t r = syscall(SYS_write, fd, buf, n);
    if (r < 0)
        r = -errno;
    errno = keep;
    return r;
}

int64_t os_read(int fd, void *buf, size_t n)
{
    int keep = errno;
    int64_t r = syscall(SYS_read, fd, buf, n);
    if (r < 0)
        r = -errno;
    errno = keep;
    return r;
}

int os_close(int fd)
{
    int keep = errno;
    int r = syscall(SYS_close, fd) == 0 ? 0 : -errno;
    errno = keep;
    return r;
}

int os_create(const char *path)
{
    int keep = errno;
    long r = syscall(SYS_openat, AT_FDCWD, path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
    int fd = r < 0 ? -errno : (int)r;
    errno = keep;
    return fd;
}
