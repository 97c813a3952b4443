/* gort/io.h: input and output that parks the goroutine, not the thread.
 *
 * libc's calls under a prefix: same parameters, same results, same errno, with these differences.
 *
 *   - A call that would block parks the calling goroutine; other goroutines use the processor.
 * EAGAIN is returned only for MSG_DONTWAIT, whatever O_NONBLOCK says. EINTR is never returned, and
 *     signals do not shorten anything.
 *   - gort_write, gort_writev, gort_send, gort_sendto and gort_sendmsg go on until all is written.
 * They return less only when an error, a deadline or a close comes after some bytes were written.
 *   - Writing to a closed pipe or socket returns EPIPE; SIGPIPE ends the program only for
 *     descriptors 1 and 2 (as in Go).
 *   - Two goroutines may read (or write) the same descriptor: one after the other, in order.
 *   - gort_close wakes whoever waits on the descriptor: those calls fail with EBADF. The number is
 * free again only when they have left, so it is never reused under their feet.
 *   - A deadline that passes makes reads or writes fail with ETIMEDOUT until it is set anew.
 *
 * Sockets keep the O_NONBLOCK that the program gave them, except listening and connecting ones.
 * Pipes and the like get O_NONBLOCK at their first use here. Terminals and descriptors 0 to 2 are
 * never changed. Regular files block the thread in an announced call (gort_enter_syscall,
 * gort/go.h).
 *
 * A descriptor that was used here is closed with gort_close. If something else closes it (plain
 * close, dup2, fclose), call gort_fd_forget before its number is reused; libgort_posix does that by
 * itself.
 *
 * Callers: goroutines. On any other thread, and before gort_run, the thread waits instead of a
 * goroutine; deadlines and a gort_close from elsewhere do not reach it then.
 *
 * This stands for Go's packages net and os as far as they lean on the runtime's netpoller.
 */
#ifndef GORT_IO_H
#define GORT_IO_H

#include "gort/base.h"

#include <sys/types.h>

struct addrinfo;
struct epoll_event;
struct iovec;
struct msghdr;
struct pollfd;
struct rusage;
struct sockaddr;

GORT_BEGIN_DECLS

/* ---- reading and writing */

/* read(2). Waits: until something is there. Returns: bytes read, 0 at the end, -1 with errno.
 * Fails: read's errors, EBADF when closed meanwhile, ETIMEDOUT at the read deadline. Go: File.Read.
 */
GORT_API ssize_t gort_read(int fd, void *buf, size_t len);
/* write(2). Waits: until all of `len` bytes are taken. Returns: len; less, or -1 with errno, when
 * an error came first. Fails: write's errors, EPIPE without a signal, EBADF, ETIMEDOUT. Go:
 * File.Write. */
GORT_API ssize_t gort_write(int fd, const void *buf, size_t len);
/* readv(2), as gort_read. */
GORT_API ssize_t gort_readv(int fd, const struct iovec *iov, int n);
/* writev(2), as gort_write. */
GORT_API ssize_t gort_writev(int fd, const struct iovec *iov, int n);
/* pread(2), pwrite(2): an announced call. Fails: as those. Go: File.ReadAt, WriteAt. */
GORT_API ssize_t gort_pread(int fd, void *buf, size_t len, off_t offset);
GORT_API ssize_t gort_pwrite(int fd, const void *buf, size_t len, off_t offset);

/* ---- sockets */

/* recv(2). MSG_DONTWAIT: does not wait. MSG_WAITALL: until all `len` bytes, the end or an error. */
GORT_API ssize_t gort_recv(int fd, void *buf, size_t len, int flags);
/* send(2), as gort_write. MSG_DONTWAIT: does not wait, and may send less. */
GORT_API ssize_t gort_send(int fd, const void *buf, size_t len, int flags);
/* recvfrom(2), as gort_recv; `addrlen` is a socklen_t. */
GORT_API ssize_t gort_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                               unsigned *addrlen);
/* sendto(2), as gort_send. */
GORT_API ssize_t gort_sendto(int fd, const void *buf, size_t len, int flags,
                             const struct sockaddr *addr, unsigned addrlen);
/* recvmsg(2). MSG_WAITALL has no effect. */
GORT_API ssize_t gort_recvmsg(int fd, struct msghdr *msg, int flags);
/* sendmsg(2), as gort_send; ancillary data goes with the first part. */
GORT_API ssize_t gort_sendmsg(int fd, const struct msghdr *msg, int flags);
/* socket(2). Waits: no. The kernel's socket is non-blocking; gort_fcntl does not show that. */
GORT_API int gort_socket(int domain, int type, int protocol);
/* socketpair(2), pipe2(2). Waits: no. */
GORT_API int gort_socketpair(int domain, int type, int protocol, int fds[2]);
GORT_API int gort_pipe(int fds[2]);
GORT_API int gort_pipe2(int fds[2], int flags);
/* listen(2). Waits: no. */
GORT_API int gort_listen(int fd, int backlog);
/* accept(2), accept4(2). Waits: for a connection; one that is gone before it was accepted is passed
 * over. Fails: as those (EMFILE, ...), EBADF, ETIMEDOUT at the read deadline. Go: Listener.Accept.
 */
GORT_API int gort_accept(int fd, struct sockaddr *addr, unsigned *addrlen);
GORT_API int gort_accept4(int fd, struct sockaddr *addr, unsigned *addrlen, int flags);
/* connect(2). Waits: until connected or refused. Fails: as connect, never EINPROGRESS; EBADF,
 * ETIMEDOUT at the write deadline. Go: the connecting half of net.Dial. */
GORT_API int gort_connect(int fd, const struct sockaddr *addr, unsigned addrlen);

/* ---- several descriptors at once */

/* poll(2), timeout in ms, < 0 for ever. Parks; takes no thread. */
GORT_API int gort_poll(struct pollfd *fds, unsigned long n, int timeout_ms);
/* epoll_wait(2) on the program's own epoll descriptor. Parks. */
GORT_API int gort_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms);

/* ---- life of a descriptor */

/* open(2): an announced call; `mode` is looked at with O_CREAT. Go: os.OpenFile. */
GORT_API int gort_open(const char *path, int flags, unsigned mode);
/* close(2). Waits: until calls under way on a pollable descriptor have left; a call under way on a
 * regular file finishes by itself, and the kernel's close comes after it. Fails: EBADF when it is
 * not open or is being closed. */
GORT_API int gort_close(int fd);
/* fsync(2), fdatasync(2): announced calls. */
GORT_API int gort_fsync(int fd);
GORT_API int gort_fdatasync(int fd);
/* fcntl(2), with its third argument as a word. F_GETFL and F_SETFL show and set the program's own
 * O_NONBLOCK, not the one that this library needs. */
GORT_API int gort_fcntl(int fd, int cmd, intptr_t arg);
/* Tells that `fd` was closed or replaced without gort_close. Whoever waits on it fails with EBADF.
 */
GORT_API void gort_fd_forget(int fd);
/* Has the program set O_NONBLOCK on `fd`? Flags that it changed by plain fcntl after the first call
 * here are not seen. */
GORT_API bool gort_fd_nonblocking(int fd);

/* Makes reads (accepts), writes (connects), or both, fail with ETIMEDOUT at `ns` of
 * gort_nanotime(); 0 clears. Calls that already wait are meant too. Returns: 0, or -1 with errno.
 * Fails: ENOTSUP for a regular file, or off a goroutine; EBADF. Go: SetReadDeadline,
 * SetWriteDeadline, SetDeadline. */
GORT_API int gort_set_read_deadline(int fd, int64_t ns);
GORT_API int gort_set_write_deadline(int fd, int64_t ns);
GORT_API int gort_set_deadline(int fd, int64_t ns);

/* ---- other calls that wait */

/* getaddrinfo(3). Waits: in libc, on a thread of its own; at most 64 at a time, the others park.
 * Returns: 0 or an EAI_ code; the list is libc's, to be freed with freeaddrinfo. Go: cgo resolver.
 */
GORT_API int gort_getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                              struct addrinfo **res);
/* waitpid(2). Waits: parked for one child's end, in an announced call otherwise. Go: Process.Wait.
 */
GORT_API pid_t gort_waitpid(pid_t pid, int *status, int options);

/* Is the caller a goroutine that may park: on a thread of the runtime, and not between
 * gort_enter_syscall and gort_exit_syscall? Any thread, any time, also before gort_run. */
GORT_API bool gort_on_goroutine(void);

GORT_END_DECLS

#endif
