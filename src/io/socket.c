/* socket.c: sockets and pipes: made, connected, accepted, written and read.
 *
 * Owns    the calls that only sockets know, and those that make descriptors in pairs.
 * Holds   1. A socket made here is non-blocking in the kernel, and the program does not see it; an
 *            accepted one has just the flags that were asked for (rw.c says how it is read).
 *         2. A connecting socket is registered with the poller after connect(2) was called, not before:
 *            an unconnected TCP socket reports a hang-up, which would stick.
 */
#include "io/io.h"

#include "base/track.h"

#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

_Static_assert(sizeof(socklen_t) == sizeof(unsigned), "include/gort/io.h");

/* ---- receiving */

struct receive {
    intptr_t buf;
    size_t len;
    int flags;
    intptr_t addr, addrlen;
};

/* Only a plain read may conclude from a short answer that nothing is left. */
static bool tells_drained(int flags)
{
    return (flags & ~(MSG_DONTWAIT | MSG_WAITALL | MSG_NOSIGNAL | MSG_CMSG_CLOEXEC)) == 0;
}

static bool is_stream(int fd)
{
    int type = 0;
    socklen_t len = sizeof type;
    return os_call5(SYS_getsockopt, fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 &&
           type == SOCK_STREAM;
}

static PARKS int64_t receive_body(const struct io_on *on, void *arg)
{
    const struct receive *v = arg;
    bool dont_wait = (v->flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) != 0;
    bool all = (v->flags & MSG_WAITALL) != 0 && !dont_wait && (v->flags & MSG_PEEK) == 0;
    size_t done = 0;
    for (;;) {
        struct io_call c = {
            .nr = SYS_recvfrom,
            .a = {v->buf + (intptr_t)done, WORD(v->len - done), v->flags | MSG_DONTWAIT, v->addr,
                  v->addrlen},
            .dont_wait = dont_wait,
            .stream = tells_drained(v->flags),
            .want = v->len - done,
        };
        int64_t r = io_do(on, &c);
        if (r > 0)
            done += (size_t)r;
        bool more = all && r > 0 && done < v->len && is_stream(on->fd);
        if (!more)
            return done > 0 ? (int64_t)done : r;
    }
}

PARKS ssize_t gort_recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *addr,
                            unsigned *addrlen)
{
    struct receive v = {WORD(buf), len, flags, WORD(addr), WORD(addrlen)};
    int64_t r = io_with(fd, POLL_READ, receive_body, &v);
    if (r > 0)
        track_writes(buf, (size_t)r < len ? (size_t)r : len);
    return io_result(r);
}

PARKS ssize_t gort_recv(int fd, void *buf, size_t len, int flags)
{
    return gort_recvfrom(fd, buf, len, flags, NULL, NULL);
}

struct message {
    intptr_t msg;
    int flags;
};

static PARKS int64_t receive_message_body(const struct io_on *on, void *arg)
{
    const struct message *v = arg;
    const struct msghdr *h = (const struct msghdr *)v->msg;
    bool sane = h->msg_iovlen <= IOV_MAX;
    struct io_call c = {
        .nr = SYS_recvmsg,
        .a = {v->msg, (v->flags & ~MSG_WAITALL) | MSG_DONTWAIT},
        .dont_wait = (v->flags & (MSG_DONTWAIT | MSG_ERRQUEUE)) != 0,
        .stream = sane && tells_drained(v->flags),
        .want = sane ? io_vector_bytes(h->msg_iov, h->msg_iovlen) : 0,
    };
    return io_do(on, &c);
}

PARKS ssize_t gort_recvmsg(int fd, struct msghdr *msg, int flags)
{
    struct message v = {WORD(msg), flags};
    return io_result(io_with(fd, POLL_READ, receive_message_body, &v));
}

/* ---- sending */

struct parcel {
    intptr_t buf;
    size_t len;
    int flags;
    intptr_t addr, addrlen;
};

static PARKS int64_t send_to_body(const struct io_on *on, void *arg)
{
    const struct parcel *v = arg;
    struct io_call c = {
        .nr = SYS_sendto,
        .a = {v->buf, WORD(v->len), v->flags | MSG_DONTWAIT | MSG_NOSIGNAL, v->addr, v->addrlen},
        .dont_wait = (v->flags & MSG_DONTWAIT) != 0,
    };
    int64_t r = io_do(on, &c);
    if (r <= 0 || (size_t)r >= v->len || c.dont_wait)
        return r;
    int64_t rest = io_write_all(on, v->buf + r, v->len - (size_t)r, v->flags | IO_SEND);
    return rest > 0 ? r + rest : r;
}

PARKS ssize_t gort_sendto(int fd, const void *buf, size_t len, int flags,
                          const struct sockaddr *addr, unsigned addrlen)
{
    struct parcel v = {WORD(buf), len, flags, WORD(addr), addrlen};
    return io_result(io_with(fd, POLL_WRITE, send_to_body, &v));
}

static PARKS int64_t send_message_body(const struct io_on *on, void *arg)
{
    const struct message *v = arg;
    const struct msghdr *h = (const struct msghdr *)v->msg;
    struct io_call c = {
        .nr = SYS_sendmsg,
        .a = {v->msg, v->flags | MSG_DONTWAIT | MSG_NOSIGNAL},
        .dont_wait = (v->flags & MSG_DONTWAIT) != 0,
    };
    int64_t r = io_do(on, &c);
    if (r <= 0 || c.dont_wait)
        return r;
    return io_write_rest(on, h->msg_iov, h->msg_iovlen, (size_t)r, v->flags | IO_SEND);
}

PARKS ssize_t gort_sendmsg(int fd, const struct msghdr *msg, int flags)
{
    struct message v = {WORD(msg), flags};
    return io_result(io_with(fd, POLL_WRITE, send_message_body, &v));
}

/* ---- made */

static bool means_tcp(int domain, int type, int protocol)
{
    return (domain == AF_INET || domain == AF_INET6) && (type & 0xf) == SOCK_STREAM &&
           (protocol == 0 || protocol == IPPROTO_TCP);
}

PARKS int gort_socket(int domain, int type, int protocol)
{
    int64_t fd = os_call3(SYS_socket, domain, type | SOCK_NONBLOCK, protocol);
    if (fd < 0)
        return (int)io_result(fd);
    bool user = (type & SOCK_NONBLOCK) != 0;
    int r = io_born((int)fd, IO_SOCKET, means_tcp(domain, type, protocol), user, true);
    return (int)io_result(r < 0 ? r : fd);
}

/* Both ends become known, or neither stays open. */
static PARKS int64_t pair_born(int fds[2], enum io_kind kind, bool user_nonblock, bool ours)
{
    int r = io_born(fds[0], kind, false, user_nonblock, ours);
    if (r < 0) {
        os_close(fds[1]);
        return r;
    }
    r = io_born(fds[1], kind, false, user_nonblock, ours);
    if (r < 0)
        (void)gort_close(fds[0]);
    return r;
}

PARKS int gort_socketpair(int domain, int type, int protocol, int fds[2])
{
    int64_t r = os_call4(SYS_socketpair, domain, type, protocol, fds);
    if (r >= 0)
        r = pair_born(fds, IO_SOCKET, (type & SOCK_NONBLOCK) != 0, false);
    return (int)io_result(r);
}

PARKS int gort_pipe2(int fds[2], int flags)
{
    int64_t r = os_call2(SYS_pipe2, fds, flags | O_NONBLOCK);
    if (r >= 0)
        r = pair_born(fds, IO_NONBLOCKING, (flags & O_NONBLOCK) != 0, true);
    return (int)io_result(r);
}

PARKS int gort_pipe(int fds[2])
{
    return gort_pipe2(fds, 0);
}

int gort_listen(int fd, int backlog)
{
    return (int)io_result(os_call2(SYS_listen, fd, backlog));
}

/* ---- accepted */

struct accepting {
    intptr_t addr, addrlen;
    int flags;
};

static PARKS int64_t accept_body(const struct io_on *on, void *arg)
{
    const struct accepting *v = arg;
    struct io_call c = {.nr = SYS_accept4, .a = {v->addr, v->addrlen, v->flags}};
    if (on->f != NULL) {
        int err = io_need_nonblock(on->f);
        if (err < 0)
            return err;
    }
    int64_t fd;
    do {
        fd = io_do(on, &c);
    } while (fd == -ECONNABORTED);
    if (fd < 0 || on->f == NULL)
        return fd;
    bool user = (v->flags & SOCK_NONBLOCK) != 0;
    int err = io_born((int)fd, IO_SOCKET, on->f->tcp, user, false);
    return err < 0 ? err : fd;
}

PARKS int gort_accept4(int fd, struct sockaddr *addr, unsigned *addrlen, int flags)
{
    struct accepting v = {WORD(addr), WORD(addrlen), flags};
    return (int)io_result(io_with(fd, POLL_READ, accept_body, &v));
}

PARKS int gort_accept(int fd, struct sockaddr *addr, unsigned *addrlen)
{
    return gort_accept4(fd, addr, addrlen, 0);
}

/* ---- connected */

#define CONNECT_RETRY_NS 1000000

struct connecting {
    intptr_t addr;
    unsigned addrlen;
};

/* 0 connected, -EINPROGRESS not yet, or why not. */
static int64_t connect_outcome(int fd)
{
    int err = 0;
    socklen_t len = sizeof err;
    int64_t r = os_call5(SYS_getsockopt, fd, SOL_SOCKET, SO_ERROR, &err, &len);
    if (r < 0)
        return r;
    if (err != 0)
        return err == EISCONN ? 0 : err == EALREADY || err == EINTR ? -EINPROGRESS : -err;
    struct sockaddr_storage peer;
    len = sizeof peer;
    r = os_call3(SYS_getpeername, fd, &peer, &len);
    return r == -ENOTCONN ? -EINPROGRESS : 0; /* an edge of another kind woke us */
}

static PARKS int64_t finish_connecting(const struct io_on *on)
{
    for (;;) {
        int err = on->f != NULL ? io_wait(on->f, POLL_WRITE) : io_wait_thread(on->fd, POLL_WRITE);
        if (err != 0)
            return err;
        int64_t r = connect_outcome(on->fd);
        if (r != -EINPROGRESS)
            return r;
    }
}

static PARKS int64_t connect_body(const struct io_on *on, void *arg)
{
    const struct connecting *v = arg;
    if (on->f != NULL) {
        int err = io_need_nonblock(on->f);
        if (err == 0)
            err = io_flag_error(load_acq(&on->f->flags), POLL_WRITE);
        if (err < 0)
            return err;
        poll_clear(&on->f->poll, POLL_WRITE);
    }
    int64_t r = os_call3(SYS_connect, on->fd, v->addr, v->addrlen);
    if (r == -EINPROGRESS || r == -EINTR || r == -EALREADY)
        return finish_connecting(on);
    /* The queue of a Unix listener is full; nothing tells when it is not. */
    while (r == -EAGAIN) {
        io_pause(CONNECT_RETRY_NS);
        r = os_call3(SYS_connect, on->fd, v->addr, v->addrlen);
    }
    return r;
}

PARKS int gort_connect(int fd, const struct sockaddr *addr, unsigned addrlen)
{
    struct connecting v = {WORD(addr), addrlen};
    return (int)io_result(io_with(fd, POLL_WRITE, connect_body, &v));
}
