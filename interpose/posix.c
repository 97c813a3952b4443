/* posix.c: libc's names over the public API, for code that knows nothing of gort.
 *
 * Owns    libgort_posix: read, write, connect, poll, sleep, ... On a goroutine they park it;
 *         anywhere else they are the next definition, which is libc's, or libgort's announced one.
 * Holds   1. A descriptor that the program made non-blocking stays so: EAGAIN is its answer.
 *         2. A descriptor that libgort made non-blocking looks blocking everywhere, also to threads
 *            that are not the runtime's, and to fcntl and ioctl.
 *         3. Nothing here uses a symbol of libgort's that is not public.
 * Order   `next_*` are filled by a constructor, and before that at the first use; both find the same.
 * Instead of wrapping at link time (--wrap): a library that is loaded later is reached too. Not
 *         reached are calls inside libc (fclose, popen): see gort_fd_forget.
 */
#include <gort/go.h>
#include <gort/io.h>
#include <gort/time.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIBC   GORT_API
#define SECOND 1000000000ll

/* name, result, parameters */
#define NEXT_CALLS(X)                                                                              \
    X(read, ssize_t, (int, void *, size_t))                                                        \
    X(write, ssize_t, (int, const void *, size_t))                                                 \
    X(readv, ssize_t, (int, const struct iovec *, int))                                            \
    X(writev, ssize_t, (int, const struct iovec *, int))                                           \
    X(recv, ssize_t, (int, void *, size_t, int))                                                   \
    X(send, ssize_t, (int, const void *, size_t, int))                                             \
    X(recvfrom, ssize_t, (int, void *, size_t, int, struct sockaddr *, socklen_t *))               \
    X(sendto, ssize_t, (int, const void *, size_t, int, const struct sockaddr *, socklen_t))       \
    X(recvmsg, ssize_t, (int, struct msghdr *, int))                                               \
    X(sendmsg, ssize_t, (int, const struct msghdr *, int))                                         \
    X(socket, int, (int, int, int))                                                                \
    X(accept, int, (int, struct sockaddr *, socklen_t *))                                          \
    X(accept4, int, (int, struct sockaddr *, socklen_t *, int))                                    \
    X(connect, int, (int, const struct sockaddr *, socklen_t))                                     \
    X(poll, int, (struct pollfd *, nfds_t, int))                                                   \
    X(epoll_wait, int, (int, struct epoll_event *, int, int))                                      \
    X(dup2, int, (int, int))                                                                       \
    X(dup3, int, (int, int, int))                                                                  \
    X(fcntl, int, (int, int, ...))                                                                 \
    X(ioctl, int, (int, unsigned long, ...))                                                       \
    X(nanosleep, int, (const struct timespec *, struct timespec *))                                \
    X(clock_nanosleep, int, (clockid_t, int, const struct timespec *, struct timespec *))          \
    X(waitpid, pid_t, (pid_t, int *, int))                                                         \
    X(getaddrinfo, int, (const char *, const char *, const struct addrinfo *, struct addrinfo **))

#define DECLARE(name, result, params) static result(*next_##name) params;
NEXT_CALLS(DECLARE)

/* The pointer goes through memory, since ISO C has no cast from object to function pointers. */
static void find(const char *name, void *next)
{
    void *p = dlsym(RTLD_NEXT, name);
    __builtin_memcpy(next, &p, sizeof p);
}

__attribute__((constructor)) static void find_all(void)
{
#define FIND(name, result, params) find(#name, &next_##name);
    NEXT_CALLS(FIND)
}

/* For calls from other libraries' constructors. */
#define NEXT(name) (next_##name != NULL ? next_##name : (find_all(), next_##name))

static bool parks(int fd)
{
    return gort_on_goroutine() && !gort_fd_nonblocking(fd);
}

/* Did the next definition answer EAGAIN because libgort made `fd` non-blocking? */
static bool not_meant(ssize_t r, int fd)
{
    return r < 0 && errno == EAGAIN && !gort_fd_nonblocking(fd) && !gort_on_goroutine();
}

/* ---- reading and writing */

LIBC ssize_t read(int fd, void *buf, size_t n)
{
    if (parks(fd))
        return gort_read(fd, buf, n);
    ssize_t r = NEXT(read)(fd, buf, n);
    return not_meant(r, fd) ? gort_read(fd, buf, n) : r;
}

LIBC ssize_t write(int fd, const void *buf, size_t n)
{
    if (parks(fd))
        return gort_write(fd, buf, n);
    ssize_t r = NEXT(write)(fd, buf, n);
    return not_meant(r, fd) ? gort_write(fd, buf, n) : r;
}

LIBC ssize_t readv(int fd, const struct iovec *iov, int n)
{
    if (parks(fd))
        return gort_readv(fd, iov, n);
    ssize_t r = NEXT(readv)(fd, iov, n);
    return not_meant(r, fd) ? gort_readv(fd, iov, n) : r;
}

LIBC ssize_t writev(int fd, const struct iovec *iov, int n)
{
    if (parks(fd))
        return gort_writev(fd, iov, n);
    ssize_t r = NEXT(writev)(fd, iov, n);
    return not_meant(r, fd) ? gort_writev(fd, iov, n) : r;
}

LIBC ssize_t recvfrom(int fd, void *buf, size_t n, int flags, struct sockaddr *addr, socklen_t *len)
{
    if (parks(fd))
        return gort_recvfrom(fd, buf, n, flags, addr, len);
    ssize_t r = NEXT(recvfrom)(fd, buf, n, flags, addr, len);
    return not_meant(r, fd) ? gort_recvfrom(fd, buf, n, flags, addr, len) : r;
}

LIBC ssize_t recv(int fd, void *buf, size_t n, int flags)
{
    return recvfrom(fd, buf, n, flags, NULL, NULL);
}

LIBC ssize_t sendto(int fd, const void *buf, size_t n, int flags, const struct sockaddr *addr,
                    socklen_t len)
{
    if (parks(fd))
        return gort_sendto(fd, buf, n, flags, addr, len);
    ssize_t r = NEXT(sendto)(fd, buf, n, flags, addr, len);
    return not_meant(r, fd) ? gort_sendto(fd, buf, n, flags, addr, len) : r;
}

LIBC ssize_t send(int fd, const void *buf, size_t n, int flags)
{
    return sendto(fd, buf, n, flags, NULL, 0);
}

LIBC ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
    if (parks(fd))
        return gort_recvmsg(fd, msg, flags);
    ssize_t r = NEXT(recvmsg)(fd, msg, flags);
    return not_meant(r, fd) ? gort_recvmsg(fd, msg, flags) : r;
}

LIBC ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
    if (parks(fd))
        return gort_sendmsg(fd, msg, flags);
    ssize_t r = NEXT(sendmsg)(fd, msg, flags);
    return not_meant(r, fd) ? gort_sendmsg(fd, msg, flags) : r;
}

/* ---- sockets */

LIBC int socket(int domain, int type, int protocol)
{
    return gort_on_goroutine() ? gort_socket(domain, type, protocol)
                               : NEXT(socket)(domain, type, protocol);
}

LIBC int accept4(int fd, struct sockaddr *addr, socklen_t *len, int flags)
{
    if (parks(fd))
        return gort_accept4(fd, addr, len, flags);
    int r = NEXT(accept4)(fd, addr, len, flags);
    return not_meant(r, fd) ? gort_accept4(fd, addr, len, flags) : r;
}

LIBC int accept(int fd, struct sockaddr *addr, socklen_t *len)
{
    return accept4(fd, addr, len, 0);
}

LIBC int connect(int fd, const struct sockaddr *addr, socklen_t len)
{
    if (parks(fd))
        return gort_connect(fd, addr, len);
    int r = NEXT(connect)(fd, addr, len);
    bool waits = r < 0 && errno == EINPROGRESS && !gort_fd_nonblocking(fd);
    return waits ? gort_connect(fd, addr, len) : r; /* goes on with the one under way */
}

/* ---- life of a descriptor */

LIBC int close(int fd)
{
    return gort_close(fd);
}

LIBC int dup2(int old, int fd)
{
    if (old != fd && fcntl(old, F_GETFD) >= 0)
        gort_fd_forget(fd);
    return NEXT(dup2)(old, fd);
}

LIBC int dup3(int old, int fd, int flags)
{
    if (old != fd && fcntl(old, F_GETFD) >= 0)
        gort_fd_forget(fd);
    return NEXT(dup3)(old, fd, flags);
}

LIBC int fcntl(int fd, int cmd, ...)
{
    va_list args;
    va_start(args, cmd);
    intptr_t arg = va_arg(args, intptr_t);
    va_end(args);
    return gort_fcntl(fd, cmd, arg);
}

LIBC int fcntl64(int fd, int cmd, ...)
{
    va_list args;
    va_start(args, cmd);
    intptr_t arg = va_arg(args, intptr_t);
    va_end(args);
    return gort_fcntl(fd, cmd, arg);
}

LIBC int ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    va_start(args, request);
    void *arg = va_arg(args, void *);
    va_end(args);
    if (request != FIONBIO)
        return NEXT(ioctl)(fd, request, arg);
    int flags = gort_fcntl(fd, F_GETFL, 0);
    if (flags < 0)
        return -1;
    return gort_fcntl(fd, F_SETFL, *(int *)arg != 0 ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
}

/* ---- waiting */

LIBC int poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    return gort_on_goroutine() ? gort_poll(fds, n, timeout_ms) : NEXT(poll)(fds, n, timeout_ms);
}

LIBC int epoll_wait(int ep, struct epoll_event *events, int max, int timeout_ms)
{
    return gort_on_goroutine() ? gort_epoll_wait(ep, events, max, timeout_ms)
                               : NEXT(epoll_wait)(ep, events, max, timeout_ms);
}

LIBC pid_t waitpid(pid_t pid, int *status, int options)
{
    return gort_on_goroutine() ? gort_waitpid(pid, status, options)
                               : NEXT(waitpid)(pid, status, options);
}

LIBC int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                     struct addrinfo **res)
{
    return gort_on_goroutine() ? gort_getaddrinfo(node, service, hints, res)
                               : NEXT(getaddrinfo)(node, service, hints, res);
}

/* A duration in ns, or -1 when it is not one that may be slept. */
static int64_t duration(const struct timespec *t)
{
    if (t->tv_sec < 0 || t->tv_nsec < 0 || t->tv_nsec >= SECOND)
        return -1;
    return t->tv_sec >= INT64_MAX / SECOND ? INT64_MAX : t->tv_sec * SECOND + t->tv_nsec;
}

LIBC int nanosleep(const struct timespec *want, struct timespec *left)
{
    if (!gort_on_goroutine() || duration(want) < 0)
        return NEXT(nanosleep)(want, left);
    gort_sleep(duration(want));
    return 0;
}

LIBC int clock_nanosleep(clockid_t clock, int flags, const struct timespec *want,
                         struct timespec *left)
{
    bool relative =
        (flags & TIMER_ABSTIME) == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC);
    bool ours = relative || (flags == TIMER_ABSTIME && clock == CLOCK_MONOTONIC);
    if (!ours || !gort_on_goroutine() || duration(want) < 0)
        return NEXT(clock_nanosleep)(clock, flags, want, left);
    gort_sleep(duration(want) - (relative ? 0 : gort_nanotime()));
    return 0;
}

LIBC int usleep(useconds_t us)
{
    struct timespec want = {us / 1000000, us % 1000000 * 1000l};
    return nanosleep(&want, NULL);
}

LIBC unsigned sleep(unsigned seconds)
{
    struct timespec want = {seconds, 0}, left = {0, 0};
    return nanosleep(&want, &left) == 0 ? 0 : (unsigned)left.tv_sec;
}
