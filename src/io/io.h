/* io.h: descriptors whose operations park the goroutine, not the thread.
 *
 * A descriptor number leads, without a lock, to its struct iofd; every operation holds a reference
 * to it, and reads and writes hold their direction besides, so that a close can wait for them and
 * the poller sees one waiter per direction.
 */
#ifndef IO_IO_H
#define IO_IO_H

#include "base/atomic.h"
#include "base/attr.h"
#include "base/list.h"
#include "os/call.h"
#include "os/os.h"
#include "poll/poll.h"
#include "sched/sched.h"
#include "timer/timer.h"

#include "gort/io.h"

enum io_kind {
    IO_FILE,        /* always ready, may block all the same: announced calls */
    IO_SOCKET,      /* MSG_DONTWAIT does what O_NONBLOCK would, and touches nobody's flags */
    IO_NONBLOCKING, /* pipes, eventfds, timerfds, ...: O_NONBLOCK is set at first use */
    IO_SHARED, /* terminals, descriptors 0 to 2: readiness from the poller, then a plain call */
};

/* What an operation holds. */
enum io_hold { IO_REF = 2, IO_READ = POLL_READ, IO_WRITE = POLL_WRITE };

/* iofd.state: see iofd.c for the moves.
 *   life 32 | refs 20 | ...12 flags */
#define IO_OPEN         1ull
#define IO_CLOSED       2ull /* no new operations */
#define IO_ENDING       4ull /* no references left; the kernel is closing the number */
#define IO_FORGET       8ull /* the number is not ours to close */
#define IO_HELD(mode)   (16ull << (mode))
#define IO_QUEUED(mode) (64ull << (mode)) /* somebody waits to hold that direction */
#define IO_ONE_REF      (1ull << 12)
#define IO_ONE_LIFE     (1ull << 32)
#define IO_REFS(s)      (((s) >> 12) & 0xfffff)
#define IO_LIFE(s)      ((s) >> 32)

#define IO_EXPIRED(mode) (1u << (mode))
#define IO_CLOSING       4u

#define IO_NB_USER 1u /* the program asked for O_NONBLOCK */
#define IO_NB_OURS 2u /* we set it, and need it */

struct io_deadline {
    int64_t at_ns; /* 0: none */
    struct timer timer;
};

struct iofd {
    struct pollfd_state poll;
    /* atomic: */
    au64 state;
    /* lock+atomic: */
    au32 flags;    /* IO_EXPIRED, IO_CLOSING: what ends a wait */
    au32 polled;   /* 1: registered with the poller */
    au32 nonblock; /* IO_NB_* */
    /* whoever holds the read direction: */
    bool drained; /* the last read took all there was, and the next byte makes an edge */
    /* const while open: */
    bool tcp;
    uint8_t kind; /* enum io_kind */
    int fd;
    struct lock lock; /* rank iofd */
    /* lock: */
    bool ready_lists;     /* the lists below are initialised */
    struct list queue[2]; /* struct io_waiter */
    struct list closers;  /* struct io_waiter */
    struct io_deadline deadline[2];
};

/* One system call on a descriptor: os_call(nr, fd, a[0], ...). */
struct io_call {
    long nr;
    intptr_t a[5];
    bool dont_wait; /* EAGAIN is an answer */
    bool stream;    /* a short answer from TCP means that nothing is left */
    size_t want;    /* bytes asked for */
};

/* ---- iofd.c */
/* May this thread park, now? True on a goroutine that is in no announced call. */
bool io_can_park(void);
/* Takes what `hold` says of descriptor `fd`, which becomes known at its first use. 0 or -errno. */
PARKS int io_take(int fd, enum io_hold hold, struct iofd **out);
PARKS void io_put(struct iofd *f, enum io_hold hold);
/* Waits for an edge. 0, or -EBADF (closed meanwhile), -ETIMEDOUT, or -EPERM (cannot be polled). */
PARKS int io_wait(struct iofd *f, enum poll_mode mode);
/* What ends an operation before it begins: 0, -EBADF or -ETIMEDOUT. */
static inline int io_flag_error(uint32_t flags, enum poll_mode mode)
{
    if (likely((flags & (IO_CLOSING | IO_EXPIRED(mode))) == 0))
        return 0;
    return (flags & IO_CLOSING) != 0 ? -EBADF : -ETIMEDOUT;
}
/* Tells of a descriptor that was made just now. `ours`: it is non-blocking whatever the program
 * asked for. 0, or -errno and it is closed. */
PARKS int io_born(int fd, enum io_kind kind, bool tcp, bool user_nonblock, bool ours);
/* modes: bit 1u << mode. As gort_set_deadline, but returns -errno. */
PARKS int64_t io_set_deadlines(int fd, int64_t at_ns, unsigned modes);
/* Lets time pass. */
PARKS void io_pause(int64_t ns);
/* Sets O_NONBLOCK on a listening or connecting socket. 0 or -errno. */
int io_need_nonblock(struct iofd *f);
/* The thread waits, not the goroutine: for threads that cannot park. 0 or -errno. */
int io_wait_thread(int fd, enum poll_mode mode);

/* ---- rw.c */
/* An operation under way: its direction of `f` is held. f is NULL on a thread that cannot park. */
struct io_on {
    struct iofd *f;
    int fd;
    enum poll_mode mode;
};
typedef int64_t (*io_body)(const struct io_on *on, void *arg);
/* Takes the direction, calls `body`, gives it back. On any thread. */
PARKS int64_t io_with(int fd, enum poll_mode mode, io_body body, void *arg);
/* Makes one call, waiting as often as needed. For io_body. */
PARKS int64_t io_do(const struct io_on *on, const struct io_call *c);
bool io_is_socket(const struct io_on *on);
/* Writes until all is gone, or the number of bytes before the error. flags: MSG_*, and IO_SEND for
 * send(2) whatever the descriptor is. */
#define IO_SEND (1 << 24)
PARKS int64_t io_write_all(const struct io_on *on, intptr_t at, size_t len, int flags);
/* What is left of `iov` after `done` bytes. Returns the bytes written altogether. */
PARKS int64_t io_write_rest(const struct io_on *on, const struct iovec *iov, size_t n, size_t done,
                            int flags);
size_t io_vector_bytes(const struct iovec *iov, size_t n);
/* The same for a call that may block in the kernel and cannot be waited for. */
PARKS int64_t io_announced(long nr, intptr_t a, intptr_t b, intptr_t c, intptr_t d, intptr_t e,
                           intptr_t f);
/* Last in every public function: r, or -1 with errno set. */
int64_t io_result(int64_t r);
/* Is this thread inside a write to a pipe of ours? Then *fd is its number, and a SIGPIPE is that
 * write's: for 1 and 2 the program dies of it, as in Go, else the write returns EPIPE. */
SIGSAFE bool io_sigpipe_is_ours(int *fd);

/* ---- announce.c */
/* Does the calling thread run a goroutine that may announce a blocking call? */
bool announce_possible(void);

#endif
