/* rw.c: reading and writing.
 *
 * Owns    the loop that every operation on a descriptor runs in, and read, write and their kin.
 * Holds   1. The readiness seen so far is forgotten *before* the call that will tell: an edge that comes
 *            during or after the call is kept.
 *         2. `drained` is set only when a TCP socket returned fewer bytes than asked and no hang-up,
 *            error or urgent data was seen after that. Then its queue was empty at one moment after the
 *            clear of 1, so whatever arrives later makes an edge that is kept: the next read may wait
 *            first, which saves the read that only says EAGAIN (epoll(7), "Questions"). Urgent data
 *            stops a read early, and a hang-up makes no second edge: `sticky` excludes both, and is
 *            stored before the edge that brings it. A Unix socket stops at descriptors passed along, a
 *            datagram socket at each message, a pipe in packet mode too: not TCP.
 *         3. Between the store and the clear of `writing_fd` there is one system call and no park.
 * Locks   none of its own.
 * Instead of a read of O_NONBLOCK sockets: recv and send with MSG_DONTWAIT. Same cost, and the
 *         socket stays as the program and its children expect it.
 */
#include "io/io.h"

#include "base/track.h"

#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

static __thread int writing_fd __attribute__((tls_model("initial-exec")));

/* One write(2) or its like; SIGPIPE inside of it is ours. Not inlined: the thread-local's address
 * must not be kept over a park. */
static NOINLINE int64_t call_writing(int fd, const struct io_call *c)
{
    writing_fd = fd + 1;
    compiler_barrier(); /* against the handler on this thread */
    int64_t r = os_call(c->nr, fd, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4]);
    compiler_barrier();
    writing_fd = 0;
    return r;
}

bool io_sigpipe_is_ours(int *fd)
{
    if (writing_fd == 0)
        return false;
    *fd = writing_fd - 1;
    return true;
}

NOINLINE int64_t io_result(int64_t r)
{
    if (likely(r >= 0))
        return r;
    errno = (int)-r;
    return -1;
}

static int64_t call_once(int fd, enum poll_mode mode, const struct io_call *c)
{
    int64_t r;
    do {
        r = mode == POLL_WRITE && (c->nr == SYS_write || c->nr == SYS_writev)
                ? call_writing(fd, c)
                : os_call(c->nr, fd, c->a[0], c->a[1], c->a[2], c->a[3], c->a[4]);
    } while (unlikely(r == -EINTR));
    return r;
}

PARKS int64_t io_announced(long nr, intptr_t a, intptr_t b, intptr_t c, intptr_t d, intptr_t e,
                           intptr_t f)
{
    bool announced = announce_possible();
    int64_t r;
    if (announced)
        sched_enter_syscall();
    do {
        r = os_call(nr, a, b, c, d, e, f);
    } while (r == -EINTR);
    if (announced)
        sched_exit_syscall();
    return r;
}

static PARKS int64_t call_announced(int fd, enum poll_mode mode, const struct io_call *c)
{
    sched_enter_syscall();
    int64_t r = call_once(fd, mode, c);
    sched_exit_syscall();
    return r;
}

/* The drained rule of the header comment, 2. */
static void note_drained(struct iofd *f, const struct io_call *c, int64_t r)
{
    if (c->stream && f->tcp && r > 0 && (size_t)r < c->want &&
        load_acq(&f->poll.sticky) == 0) /* pairs with deliver in poll/epoll.c */
        f->drained = true;
}

static PARKS int64_t do_nonblocking(struct iofd *f, enum poll_mode mode, const struct io_call *c)
{
    int err = io_flag_error(load_acq(&f->flags), mode);
    if (unlikely(err != 0))
        return err;
    if (mode == POLL_READ && f->drained && !c->dont_wait) {
        err = io_wait(f, mode);
        if (unlikely(err != 0))
            return err;
    }
    for (;;) {
        poll_clear(&f->poll, mode);
        if (mode == POLL_READ)
            f->drained = false;
        int64_t r = call_once(f->fd, mode, c);
        if (likely(r != -EAGAIN)) {
            if (mode == POLL_READ)
                note_drained(f, c, r);
            return r;
        }
        if (c->dont_wait)
            return r;
        err = io_wait(f, mode);
        if (unlikely(err != 0))
            return err == -EPERM ? r : err;
    }
}

/* A terminal, or what others read too: looks whether it is ready, and then makes the plain call. */
static PARKS int64_t do_shared_read(struct iofd *f, const struct io_call *c)
{
    for (;;) {
        int err = io_flag_error(load_acq(&f->flags), POLL_READ);
        if (err != 0)
            return err;
        poll_clear(&f->poll, POLL_READ);
        struct pollfd p = {.fd = f->fd, .events = POLLIN};
        struct timespec now = {0, 0};
        if (os_call5(SYS_ppoll, &p, 1, &now, 0, 0) != 0) {
            int64_t r = call_announced(f->fd, POLL_READ, c);
            if (r != -EAGAIN)
                return r;
        }
        err = io_wait(f, POLL_READ);
        if (err != 0)
            return err;
    }
}

static PARKS int64_t do_shared_write(struct iofd *f, const struct io_call *c)
{
    for (;;) {
        int64_t r = call_announced(f->fd, POLL_WRITE, c);
        if (r != -EAGAIN) /* somebody else made it non-blocking */
            return r;
        int err = io_wait(f, POLL_WRITE);
        if (err != 0)
            return err;
    }
}

/* On a thread that cannot park. */
static COLD int64_t do_on_thread(int fd, enum poll_mode mode, const struct io_call *c)
{
    for (;;) {
        int64_t r = call_once(fd, mode, c);
        if (r != -EAGAIN || c->dont_wait)
            return r;
        int err = io_wait_thread(fd, mode);
        if (err != 0 && err != -EINTR)
            return err;
    }
}

PARKS int64_t io_do(const struct io_on *on, const struct io_call *c)
{
    struct iofd *f = on->f;
    if (unlikely(f == NULL))
        return do_on_thread(on->fd, on->mode, c);
    switch ((enum io_kind)f->kind) {
    case IO_SOCKET:
    case IO_NONBLOCKING:
        return do_nonblocking(f, on->mode, c);
    case IO_SHARED:
        return on->mode == POLL_READ ? do_shared_read(f, c) : do_shared_write(f, c);
    case IO_FILE:
        break;
    }
    return call_announced(f->fd, on->mode, c);
}

/* ThreadSanitizer: what happened before a write happened before a read that comes after it, on whatever
 * descriptors, as in Go: nobody knows which of them are two ends of one thing. */
static char any_io ALIGNED(8);

static PARKS int64_t io_held(int fd, enum poll_mode mode, io_body body, void *arg)
{
    struct io_on on = {.fd = fd, .mode = mode};
    if (unlikely(!io_can_park()))
        return body(&on, arg);
    for (;;) {
        int err = io_take(fd, (enum io_hold)mode, &on.f);
        if (unlikely(err != 0))
            return err;
        int64_t r = body(&on, arg);
        bool closing = (load_acq(&on.f->flags) & IO_CLOSING) != 0;
        bool mistaken = r == -ENOTSOCK && on.f->kind == IO_SOCKET;
        io_put(on.f, (enum io_hold)mode);
        if (likely(!mistaken && r != -EBADF))
            return r;
        if (closing)
            return -EBADF;
        gort_fd_forget(fd); /* it was closed behind our back */
        if (!mistaken)
            return r;
    }
}

PARKS int64_t io_with(int fd, enum poll_mode mode, io_body body, void *arg)
{
    if (mode == POLL_WRITE)
        track_release(&any_io);
    int64_t r = io_held(fd, mode, body, arg);
    if (mode == POLL_READ && r >= 0)
        track_acquire(&any_io);
    return r;
}

static COLD void iov_access(const struct iovec *iov, int n, int64_t bytes, const void *pc,
                            bool writes)
{
    for (int i = 0; i < n && bytes > 0; bytes -= (int64_t)iov[i++].iov_len)
        track_access(iov[i].iov_base,
                     (int64_t)iov[i].iov_len < bytes ? iov[i].iov_len : (size_t)bytes, pc, writes);
}

/* The program's bytes, of which r were moved in its name. */
#define track_got(p, r)                                                                            \
    do {                                                                                           \
        if ((r) > 0)                                                                               \
            track_writes((p), (size_t)(r));                                                        \
    } while (0)

bool io_is_socket(const struct io_on *on)
{
    return on->f != NULL && on->f->kind == IO_SOCKET;
}

/* ---- bytes */

struct span_of_bytes {
    intptr_t at;
    size_t len;
    int flags;
};

static PARKS int64_t read_body(const struct io_on *on, void *arg)
{
    const struct span_of_bytes *b = arg;
    struct io_call c = {.nr = SYS_read, .a = {b->at, WORD(b->len)}};
    if (io_is_socket(on) && b->len != 0) { /* read of 0 bytes never waits, recv of 0 bytes does */
        c.nr = SYS_recvfrom;
        c.a[2] = MSG_DONTWAIT;
        c.stream = true;
        c.want = b->len;
    }
    return io_do(on, &c);
}

PARKS ssize_t gort_read(int fd, void *buf, size_t len)
{
    struct span_of_bytes b = {WORD(buf), len, 0};
    int64_t r = io_with(fd, POLL_READ, read_body, &b);
    track_got(buf, r);
    return io_result(r);
}

/* Writes on until all is gone; what was written when an error came after some of it. */
PARKS int64_t io_write_all(const struct io_on *on, intptr_t at, size_t len, int flags)
{
    struct io_call c = {.nr = SYS_write, .dont_wait = (flags & MSG_DONTWAIT) != 0};
    size_t done = 0;
    if (io_is_socket(on) || (flags & IO_SEND) != 0) {
        c.nr = SYS_sendto;
        c.a[2] = (flags & ~IO_SEND) | MSG_DONTWAIT | (on->fd > 2 ? MSG_NOSIGNAL : 0);
    }
    for (;;) {
        c.a[0] = at + (intptr_t)done;
        c.a[1] = WORD(len - done);
        int64_t r = io_do(on, &c);
        if (r > 0)
            done += (size_t)r;
        if (done == len || r <= 0 || c.dont_wait)
            return done > 0 || r >= 0 ? (int64_t)done : r;
    }
}

static PARKS int64_t write_body(const struct io_on *on, void *arg)
{
    const struct span_of_bytes *b = arg;
    return io_write_all(on, b->at, b->len, b->flags);
}

PARKS ssize_t gort_write(int fd, const void *buf, size_t len)
{
    struct span_of_bytes b = {WORD(buf), len, 0};
    track_reads(buf, len);
    return io_result(io_with(fd, POLL_WRITE, write_body, &b));
}

PARKS ssize_t gort_send(int fd, const void *buf, size_t len, int flags)
{
    struct span_of_bytes b = {WORD(buf), len, flags | IO_SEND};
    track_reads(buf, len);
    return io_result(io_with(fd, POLL_WRITE, write_body, &b));
}

/* ---- vectors */

struct vector {
    const struct iovec *iov;
    int n;
};

size_t io_vector_bytes(const struct iovec *iov, size_t n)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++)
        if (__builtin_add_overflow(sum, iov[i].iov_len, &sum))
            return SIZE_MAX;
    return sum;
}

static PARKS int64_t readv_body(const struct io_on *on, void *arg)
{
    const struct vector *v = arg;
    struct io_call c = {.nr = SYS_readv, .a = {WORD(v->iov), v->n}};
    struct msghdr h = {.msg_iov = (struct iovec *)WORD(v->iov), .msg_iovlen = (size_t)v->n};
    if (io_is_socket(on) && v->n > 0 && v->n <= IOV_MAX) {
        size_t want = io_vector_bytes(v->iov, (size_t)v->n);
        if (want == 0)
            return 0;
        c = (struct io_call){
            .nr = SYS_recvmsg, .a = {WORD(&h), MSG_DONTWAIT}, .stream = true, .want = want};
    }
    return io_do(on, &c);
}

PARKS ssize_t gort_readv(int fd, const struct iovec *iov, int n)
{
    struct vector v = {iov, n};
    int64_t r = io_with(fd, POLL_READ, readv_body, &v);
    if (track_is(TRACK_RACES))
        iov_access(iov, n, r, __builtin_return_address(0), true);
    return io_result(r);
}

PARKS int64_t io_write_rest(const struct io_on *on, const struct iovec *iov, size_t n, size_t done,
                            int flags)
{
    size_t before = 0; /* bytes of the entries already passed */
    for (size_t i = 0; i < n; before += iov[i].iov_len, i++) {
        if (done >= before + iov[i].iov_len)
            continue;
        size_t skip = done - before, left = iov[i].iov_len - skip;
        int64_t r = io_write_all(on, WORD(iov[i].iov_base) + (intptr_t)skip, left, flags);
        if (r > 0)
            done += (size_t)r;
        if (r < 0 || (size_t)r < left)
            break;
    }
    return (int64_t)done;
}

static PARKS int64_t writev_body(const struct io_on *on, void *arg)
{
    const struct vector *v = arg;
    struct io_call c = {.nr = SYS_writev, .a = {WORD(v->iov), v->n}};
    struct msghdr h = {.msg_iov = (struct iovec *)WORD(v->iov), .msg_iovlen = (size_t)v->n};
    if (io_is_socket(on) && v->n > 0 && v->n <= IOV_MAX)
        c = (struct io_call){
            .nr = SYS_sendmsg,
            .a = {WORD(&h), MSG_DONTWAIT | (on->fd > 2 ? MSG_NOSIGNAL : 0)},
        };
    int64_t r = io_do(on, &c);
    if (r <= 0)
        return r;
    return io_write_rest(on, v->iov, (size_t)v->n, (size_t)r, 0);
}

PARKS ssize_t gort_writev(int fd, const struct iovec *iov, int n)
{
    struct vector v = {iov, n};
    if (track_is(TRACK_RACES))
        iov_access(iov, n, INT64_MAX, __builtin_return_address(0), false);
    return io_result(io_with(fd, POLL_WRITE, writev_body, &v));
}

/* ---- at an offset: neither direction is held, as in Go */

static PARKS int64_t at_offset(long nr, int fd, intptr_t buf, size_t len, off_t offset)
{
    struct iofd *f;
    if (!io_can_park())
        return io_announced(nr, fd, buf, WORD(len), offset, 0, 0);
    int64_t r = io_take(fd, IO_REF, &f);
    if (r != 0)
        return r;
    r = io_announced(nr, fd, buf, WORD(len), offset, 0, 0);
    io_put(f, IO_REF);
    return r;
}

PARKS ssize_t gort_pread(int fd, void *buf, size_t len, off_t offset)
{
    int64_t r = at_offset(SYS_pread64, fd, WORD(buf), len, offset);
    track_got(buf, r);
    if (r >= 0)
        track_acquire(&any_io);
    return io_result(r);
}

PARKS ssize_t gort_pwrite(int fd, const void *buf, size_t len, off_t offset)
{
    size_t done = 0;
    int64_t r;
    track_reads(buf, len);
    track_release(&any_io);
    do {
        r = at_offset(SYS_pwrite64, fd, WORD(buf) + (intptr_t)done, len - done,
                      offset + (off_t)done);
        done += r > 0 ? (size_t)r : 0;
    } while (r > 0 && done < len);
    return io_result(done > 0 ? (int64_t)done : r);
}
