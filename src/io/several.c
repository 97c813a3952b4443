/* several.c: waiting for more than one descriptor.
 *
 * Owns    gort_poll and gort_epoll_wait.
 * Holds   1. The answer always comes from a call of the kernel's own that does not wait; the poller only
 *            says when it is worth asking again. So the meaning is the kernel's in every corner.
 * Instead of registering each descriptor of a poll in its own iofd, where a reader may be waiting already:
 *         an epoll descriptor is pollable itself. A poll that must wait makes one, puts its descriptors
 *         in, level-triggered, and parks until that one is readable.
 */
#include "io/io.h"

#include <poll.h>
#include <sys/epoll.h>
#include <time.h>

static int64_t poll_now(struct pollfd *fds, unsigned long n)
{
    struct timespec zero = {0, 0};
    return os_call5(SYS_ppoll, fds, n, &zero, 0, 0);
}

/* What poll(2) would wait for; the kernel's two sets of names have the same values. */
static uint32_t events_of(const struct pollfd *fds, unsigned long n, int fd)
{
    uint32_t events = 0;
    for (unsigned long i = 0; i < n; i++)
        if (fds[i].fd == fd)
            events |= (uint16_t)fds[i].events;
    return events & ~(uint32_t)(EPOLLET | EPOLLONESHOT | EPOLLEXCLUSIVE | EPOLLWAKEUP);
}

/* 0, or -errno when one of them cannot be waited for this way. */
static int64_t fill(int64_t ep, const struct pollfd *fds, unsigned long n)
{
    for (unsigned long i = 0; i < n; i++) {
        if (fds[i].fd < 0)
            continue;
        struct epoll_event e = {.events = (uint16_t)fds[i].events, .data.fd = fds[i].fd};
        int64_t r = os_call4(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fds[i].fd, &e);
        if (r == -EEXIST) {
            e.events = events_of(fds, n, fds[i].fd);
            r = os_call4(SYS_epoll_ctl, ep, EPOLL_CTL_MOD, fds[i].fd, &e);
        }
        if (r < 0)
            return r;
    }
    return 0;
}

/* A known descriptor that is readable when one of `fds` is ready; or -errno. */
static PARKS int64_t gather(const struct pollfd *fds, unsigned long n)
{
    int64_t ep = os_call1(SYS_epoll_create1, EPOLL_CLOEXEC);
    if (ep < 0)
        return ep;
    int64_t r = fill(ep, fds, n);
    if (r < 0) {
        os_close((int)ep);
        return r;
    }
    r = io_born((int)ep, IO_NONBLOCKING, false, false, true);
    return r < 0 ? r : ep;
}

static int64_t until_of(int timeout_ms)
{
    return timeout_ms < 0 ? 0 : os_nanotime() + (int64_t)timeout_ms * 1000000;
}

/* The other way round, rounded up. */
static int left_ms(int64_t until_ns)
{
    if (until_ns == 0)
        return -1;
    int64_t left = until_ns - os_nanotime();
    return left > 0 ? (int)((left + 999999) / 1000000) : 0;
}

/* -ETIMEDOUT at `until_ns` (0: never). */
static PARKS int64_t wait_readable(const struct io_on *on, int64_t until_ns)
{
    int64_t r = 0;
    if (until_ns != 0)
        r = io_set_deadlines(on->fd, until_ns, 1u << POLL_READ);
    return r != 0 ? r : io_wait(on->f, POLL_READ);
}

struct polling {
    struct pollfd *fds;
    unsigned long n;
    int64_t until_ns;
    bool refused; /* the poller has no room: the thread has to wait */
};

static PARKS int64_t poll_body(const struct io_on *on, void *arg)
{
    struct polling *v = arg;
    for (;;) {
        poll_clear(&on->f->poll, POLL_READ);
        int64_t r = poll_now(v->fds, v->n);
        if (r != 0)
            return r;
        r = wait_readable(on, v->until_ns);
        v->refused = r != 0 && r != -ETIMEDOUT;
        if (r != 0)
            return v->refused ? r : poll_now(v->fds, v->n);
        /* Takes what is no longer ready from the list inside, so that it makes an edge again. */
        struct epoll_event seen[8];
        (void)os_call5(SYS_epoll_pwait, on->fd, seen, ARRAY_LEN(seen), 0, 0);
    }
}

static PARKS int64_t poll_on_thread(struct pollfd *fds, unsigned long n, int timeout_ms)
{
    /* The kernel counts `left` down, so that a repeated call goes on where it was. */
    struct timespec left = {timeout_ms / 1000, timeout_ms % 1000 * 1000000l};
    return io_announced(SYS_ppoll, WORD(fds), (intptr_t)n, timeout_ms < 0 ? 0 : WORD(&left), 0, 0,
                        0);
}

static PARKS int64_t poll_parked(struct pollfd *fds, unsigned long n, int timeout_ms)
{
    struct polling v = {fds, n, until_of(timeout_ms), false};
    int64_t r = poll_now(fds, n);
    if (r != 0 || timeout_ms == 0)
        return r;
    int64_t ep = gather(fds, n);
    if (ep < 0)
        return poll_on_thread(fds, n, timeout_ms);
    r = io_with((int)ep, POLL_READ, poll_body, &v);
    (void)gort_close((int)ep);
    return v.refused ? poll_on_thread(fds, n, left_ms(v.until_ns)) : r;
}

PARKS int gort_poll(struct pollfd *fds, unsigned long n, int timeout_ms)
{
    if (!io_can_park())
        return (int)io_result(poll_on_thread(fds, n, timeout_ms));
    return (int)io_result(poll_parked(fds, n, timeout_ms));
}

struct epolling {
    struct epoll_event *events;
    int max;
    int64_t until_ns;
    int timeout_ms;
};

static int64_t epoll_now(int epfd, const struct epolling *v, int timeout_ms)
{
    return os_call5(SYS_epoll_pwait, epfd, v->events, v->max, timeout_ms, 0);
}

/* Not io_announced: after a signal of the program's the kernel would wait as long as at first. */
static PARKS int64_t epoll_on_thread(int epfd, const struct epolling *v)
{
    bool announced = announce_possible();
    int64_t r;
    if (announced)
        sched_enter_syscall();
    do {
        r = epoll_now(epfd, v, left_ms(v->until_ns));
    } while (r == -EINTR);
    if (announced)
        sched_exit_syscall();
    return r;
}

static PARKS int64_t epoll_body(const struct io_on *on, void *arg)
{
    const struct epolling *v = arg;
    for (;;) {
        poll_clear(&on->f->poll, POLL_READ);
        int64_t r = epoll_now(on->fd, v, 0);
        if (r != 0 || v->timeout_ms == 0)
            return r;
        r = wait_readable(on, v->until_ns);
        if (r == -ETIMEDOUT)
            return epoll_now(on->fd, v, 0);
        if (r == -EBADF)
            return r; /* closed meanwhile */
        if (r != 0)   /* the poller has no room: the thread has to wait */
            return epoll_on_thread(on->fd, v);
    }
}

static PARKS int64_t epoll_with_deadline(const struct io_on *on, void *arg)
{
    const struct epolling *v = arg;
    if (on->f == NULL)
        return epoll_on_thread(on->fd, v);
    int64_t r = epoll_body(on, arg);
    if (v->until_ns != 0)
        (void)io_set_deadlines(on->fd, 0, 1u << POLL_READ);
    return r;
}

PARKS int gort_epoll_wait(int epfd, struct epoll_event *events, int max, int timeout_ms)
{
    struct epolling v = {events, max, until_of(timeout_ms), timeout_ms};
    return (int)io_result(io_with(epfd, POLL_READ, epoll_with_deadline, &v));
}
