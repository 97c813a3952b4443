/* epoll.c: the kernel's readiness events.
 *
 * Owns    the process's one epoll instance, and the eventfd that ends its sleep.
 * Holds   1. A descriptor is registered once, edge-triggered, for everything it can report; it is
 *            never modified, so a wait costs no call but the epoll_wait that ends it.
 *         2. The eventfd is level-triggered, and only a poll_wait that may sleep drains it: a look
 *            without waiting must not swallow the wake-up of a sleeper.
 *         3. break_pending is 1 from the first poll_break until a sleeping poll_wait drained it.
 * Locks   none.
 * Instead of a self-pipe: an eventfd is one descriptor and its counter cannot fill. Instead of
 *         rounding sleeps to milliseconds: epoll_pwait2 takes nanoseconds; where it is missing, the
 *         sleep is rounded up, for a timer that is early would only be slept for again.
 */
#include "poll/poll.h"
#include "base/check.h"
#include "base/track.h"
#include "os/call.h"
#include "os/os.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#define GENERATION_BITS 16
#define BREAK_TAG       0ull

enum { INIT_NO, INIT_BUSY, INIT_DONE };
static au32 init_state;
static int epoll_fd = -1, break_fd = -1;
static au32 break_pending;
static au32 no_pwait2; /* 1: this kernel has no epoll_pwait2 */

/* Pointers of user space have 48 bits at most, for nobody asks mmap for more. */
static uint64_t tag_of(const struct pollfd_state *s)
{
    return ((uint64_t)(uintptr_t)s << GENERATION_BITS) |
           (load_rlx(&s->generation) & ((1u << GENERATION_BITS) - 1));
}

static struct pollfd_state *state_of(uint64_t tag)
{
    struct pollfd_state *s = (struct pollfd_state *)(uintptr_t)(tag >> GENERATION_BITS);
    return tag_of(s) == tag ? s : NULL; /* NULL: of an earlier life */
}

static int start(void)
{
    int64_t ep = os_call1(SYS_epoll_create1, EPOLL_CLOEXEC);
    if (ep < 0)
        return (int)ep;
    int64_t ev = os_call2(SYS_eventfd2, 0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (ev < 0) {
        os_close((int)ep);
        return (int)ev;
    }
    struct epoll_event e = {.events = EPOLLIN, .data.u64 = BREAK_TAG};
    int64_t r = os_call4(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, ev, &e);
    if (r < 0) {
        os_close((int)ep);
        os_close((int)ev);
        return (int)r;
    }
    epoll_fd = (int)ep;
    break_fd = (int)ev;
    return 0;
}

int poll_init(void)
{
    for (;;) {
        uint32_t st = load_acq(&init_state); /* pairs with the store below */
        if (st == INIT_DONE)
            return 0;
        if (st == INIT_BUSY) {
            os_thread_yield();
            continue;
        }
        if (!cas_acq(&init_state, (uint32_t)INIT_NO, (uint32_t)INIT_BUSY))
            continue;
        int r = start();
        store_rel(&init_state, r == 0 ? (uint32_t)INIT_DONE : (uint32_t)INIT_NO);
        return r;
    }
}

bool poll_started(void)
{
    return load_acq(&init_state) == INIT_DONE;
}

int poll_open(struct pollfd_state *s, int fd)
{
    int r = poll_init();
    if (r != 0)
        return r;
    s->fd = fd;
    store_rlx(&s->sticky, 0u);
    store_rlx(&s->side[POLL_READ], NULL);
    store_rlx(&s->side[POLL_WRITE], NULL);
    struct epoll_event e = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET,
        .data.u64 = tag_of(s),
    };
    r = (int)os_call4(SYS_epoll_ctl, epoll_fd, EPOLL_CTL_ADD, fd, &e);
    if (r == -EEXIST) /* the same file came back under the same number: dup2 */
        r = (int)os_call4(SYS_epoll_ctl, epoll_fd, EPOLL_CTL_MOD, fd, &e);
    return r;
}

void poll_close(struct pollfd_state *s)
{
    struct epoll_event none = {0};
    (void)os_call4(SYS_epoll_ctl, epoll_fd, EPOLL_CTL_DEL, s->fd, &none);
    add_acq_rel(&s->generation, 1u);
}

/* -1 when there is neither an event nor a reason to return. */
static int64_t sleep_for_events(int64_t ns, struct epoll_event *ev, int max)
{
    if (ns <= 0)
        return os_call5(SYS_epoll_pwait, epoll_fd, ev, max, ns < 0 ? -1 : 0, 0);
    if (load_rlx(&no_pwait2) == 0 && !track_is(TRACK_VALGRIND)) { /* which does not know the call */
        struct timespec ts = {ns / 1000000000, ns % 1000000000};
        int64_t n = os_call5(SYS_epoll_pwait2, epoll_fd, ev, max, &ts, 0);
        if (n != -ENOSYS && n != -EPERM) /* EPERM: a seccomp profile older than the call */
            return n;
        store_rlx(&no_pwait2, 1u);
    }
    int64_t ms = ns < 1000000000000000ll ? (ns + 999999) / 1000000 : 1000000000;
    return os_call5(SYS_epoll_pwait, epoll_fd, ev, max, ms, 0);
}

static void drain_break(void)
{
    uint64_t count;
    (void)os_read(break_fd, &count, sizeof count);
    store_seq(&break_pending, 0u); /* pairs with the swap in poll_break */
}

static int deliver(struct pollfd_state *s, uint32_t events, void **out)
{
    int n = 0;
    void *w;
    /* Before the edge: a reader that takes the edge must also see that it was a last one. */
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI)) != 0)
        store_seq(&s->sticky, 1u);
    if ((events & (EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 &&
        (w = poll_edge(s, POLL_READ)) != NULL)
        out[n++] = w;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0 && (w = poll_edge(s, POLL_WRITE)) != NULL)
        out[n++] = w;
    return n;
}

int poll_wait(int64_t ns, void **out, int max)
{
    struct epoll_event ev[POLL_EVENTS];
    int room = max / 2 < POLL_EVENTS ? max / 2 : POLL_EVENTS;
    CHECK(room > 0);
    if (!poll_started())
        return 0;
    int n = 0;
    int64_t got;
    do {
        got = sleep_for_events(ns, ev, room);
    } while (got == -EINTR && ns < 0);
    for (int64_t i = 0; i < got; i++) {
        if (ev[i].data.u64 == BREAK_TAG) {
            if (ns != 0)
                drain_break();
            continue;
        }
        struct pollfd_state *s = state_of(ev[i].data.u64);
        if (s != NULL)
            n += deliver(s, ev[i].events, out + n);
    }
    return n;
}

void poll_break(void)
{
    uint64_t one = 1;
    if (load_acq(&init_state) != INIT_DONE || swap_seq(&break_pending, 1u) != 0)
        return;
    (void)os_write(break_fd, &one, sizeof one);
}
