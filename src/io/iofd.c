/* iofd.c: the life of a descriptor.
 *
 * Owns    the table from numbers to struct iofd, references, the two directions, deadlines, close.
 *
 *      io_take, io_born        gort_close, forget               last io_put          os_close done
 *   (0) --------------> OPEN --------------------> OPEN+CLOSED ------------> ENDING ------------> (0)
 *
 * Holds   1. IO_REFS counts the operations under way, those that queue for a direction included; the
 *            kernel's close happens when it reaches 0, so no operation ever sees a reused number.
 *         2. Whoever holds a direction is the only waiter on that side of `poll`.
 *         3. A life has its own number in the state; it grows when ENDING becomes (0).
 *         4. QUEUED(mode) implies HELD(mode): a direction is handed over, not freed, when somebody
 *            queues for it.
 *         5. `polled` is set at the first wait, not at birth: a request that is already there costs no
 *            call to the poller, and registering reports what is ready as an edge.
 * Locks   iofd.lock (rank iofd) for registering, queues, deadlines and close. The state word's common
 *         moves take none.
 * Order   closing and deadline flags are stored, seq_cst, before poll_unblock (see poll/poll.c).
 * Instead of Go's object per open file: C programs have numbers. A number that somebody closes
 *         without telling (plain close) and reuses keeps the old entry until a call on it fails with
 *         EBADF or ENOTSOCK, or the number is born again through this library, or gort_fd_forget. An
 *         inode check at each wait would cost as much as the read it protects.
 */
#include "io/io.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <netinet/in.h>

#define CHUNK_FDS 4096u
#define CHUNKS    (1u << 18) /* together 2^30 numbers: all that the kernel can give */

static aptr
    chunk_table; /* aptr[CHUNKS], reserved; not an array of ours, which the collector would scan */

struct io_waiter {
    struct node node;
    struct g *g;
    bool granted;
    int result;
};

/* ---- which threads may do what */

static bool is_known(const struct m *m)
{
    struct m *w = (struct m *)(uintptr_t)m;
    return (load_rlx(&w->attention) & ATT_NOBODY) == 0;
}

bool io_can_park(void)
{
    struct m *m = self();
    return is_known(m) && load_rlx(&m->locks) == 0 && load_rlx(&m->announced) == 0 &&
           m_curg(m) != NULL && m_curg(m) != &m->g0;
}

bool announce_possible(void)
{
    return io_can_park();
}

bool gort_on_goroutine(void)
{
    return io_can_park();
}

/* Enters the runtime where there is one to enter. A thread that is not the runtime's, or has
 * announced a call, is never stopped by a signal while it holds a lock, so it needs no bracket. */
static bool enter(void)
{
    if (!io_can_park())
        return false;
    (void)m_enter();
    return true;
}

static void leave(bool entered)
{
    if (entered)
        m_leave(self());
}

/* Somebody else has a few instructions, or a close(2), to finish. */
static void give_way(void)
{
    if (!enter()) {
        os_thread_yield();
        return;
    }
    yield();
    m_leave(self());
}

/* ---- the table */

static struct iofd *slot(int fd)
{
    uint32_t n = (uint32_t)fd;
    aptr *chunks = load_acq(&chunk_table); /* pairs with chunks_make */
    if (unlikely(chunks == NULL || n / CHUNK_FDS >= CHUNKS))
        return NULL;
    struct iofd *chunk = load_acq(&chunks[n / CHUNK_FDS]); /* pairs with slot_make */
    return likely(chunk != NULL) ? &chunk[n % CHUNK_FDS] : NULL;
}

/* Fresh memory is an unlocked lock, but for the debug builds' rank. */
static struct iofd *with_rank(struct iofd *f)
{
#ifdef GORT_DEBUG
    if (f != NULL)
        __atomic_store_n(&f->lock.rank, (uint32_t)RANK_iofd, __ATOMIC_RELAXED);
#endif
    return f;
}

static aptr *chunks_make(void)
{
    aptr *table = load_acq(&chunk_table); /* pairs with this cas */
    if (table != NULL)
        return table;
    table = os_reserve(CHUNKS * sizeof *table);
    if (table != NULL && !cas_acq_rel(&chunk_table, NULL, table))
        os_unmap(table, CHUNKS * sizeof *table);
    return load_acq(&chunk_table);
}

static struct iofd *slot_make(int fd)
{
    uint32_t n = (uint32_t)fd;
    struct iofd *f = slot(fd);
    if (f != NULL || n / CHUNK_FDS >= CHUNKS)
        return with_rank(f);
    aptr *chunks = chunks_make();
    if (chunks == NULL)
        return NULL;
    struct iofd *chunk = os_map(CHUNK_FDS * sizeof(struct iofd));
    if (chunk == NULL)
        return NULL;
    if (!cas_acq_rel(&chunks[n / CHUNK_FDS], NULL, chunk)) /* pairs with slot */
        os_unmap(chunk, CHUNK_FDS * sizeof(struct iofd));
    return with_rank(slot(fd));
}

static void publish(struct iofd *f, int fd, enum io_kind kind, bool tcp) REQUIRES(f->lock)
{
    if (!f->ready_lists) {
        list_init(&f->queue[POLL_READ]);
        list_init(&f->queue[POLL_WRITE]);
        list_init(&f->closers);
        f->ready_lists = true;
    }
    f->fd = fd;
    f->kind = (uint8_t)kind;
    f->tcp = tcp;
    /* Pairs with the load in io_take. */
    store_rel(&f->state, (load_rlx(&f->state) & ~(IO_ONE_LIFE - 1)) | IO_OPEN);
}

/* ---- first use of a number */

static bool is_tcp(int fd)
{
    int protocol = 0;
    socklen_t len = sizeof protocol;
    return os_call5(SYS_getsockopt, fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 &&
           protocol == IPPROTO_TCP;
}

/* The descriptor is registered at once, to learn whether it can be. Where the poller has no room now, one that
 * never blocks asks again when it has to wait, and with any other the thread waits. */
static bool pollable(struct iofd *f, int fd, int flags)
{
    int r = poll_open(&f->poll, fd);
    if (r == 0)
        store_rel(&f->polled, 1u);
    return r == 0 || (r != -EPERM && (flags & O_NONBLOCK) != 0);
}

static enum io_kind kind_of_other(struct iofd *f, int fd, mode_t mode, int flags) REQUIRES(f->lock)
{
    if (S_ISREG(mode) || S_ISDIR(mode) || S_ISBLK(mode) || !pollable(f, fd, flags))
        return IO_FILE;
    if (fd <= 2 || S_ISCHR(mode))
        return IO_SHARED;
    if ((flags & O_NONBLOCK) != 0)
        return IO_NONBLOCKING;
    if (os_call3(SYS_fcntl, fd, F_SETFL, flags | O_NONBLOCK) < 0)
        return IO_SHARED;
    or_seq(&f->nonblock, IO_NB_OURS);
    return IO_NONBLOCKING;
}

static int classify(struct iofd *f, int fd) REQUIRES(f->lock)
{
    struct stat st;
    int64_t flags = os_call2(SYS_fcntl, fd, F_GETFL);
    if (flags < 0)
        return (int)flags;
    int64_t r = os_call2(SYS_fstat, fd, &st);
    if (r < 0)
        return (int)r;
    store_rlx(&f->nonblock, (flags & O_NONBLOCK) != 0 ? IO_NB_USER : 0u);
    if (S_ISSOCK(st.st_mode)) {
        publish(f, fd, IO_SOCKET, is_tcp(fd));
        return 0;
    }
    publish(f, fd, kind_of_other(f, fd, st.st_mode, (int)flags), false);
    return 0;
}

/* 0 when the number is known afterwards, by whomever. */
static int first_use(struct iofd *f, int fd)
{
    int r = 0;
    bool in = enter();
    lock(&f->lock);
    if ((load_acq(&f->state) & (IO_OPEN | IO_ENDING)) == 0)
        r = classify(f, fd);
    unlock(&f->lock);
    leave(in);
    return r;
}

static void forget(struct iofd *f);

int io_born(int fd, enum io_kind kind, bool tcp, bool user_nonblock, bool ours)
{
    struct iofd *f = slot_make(fd);
    if (f == NULL && !ours)
        return 0; /* no memory: like any other number of the program's, it is looked at when it is used */
    if (f == NULL) {
        os_close(fd);
        return -ENOMEM;
    }
    for (;;) {
        if ((load_acq(&f->state) & IO_OPEN) != 0)
            forget(f); /* it was closed behind our back */
        bool in = enter();
        lock(&f->lock);
        bool empty = (load_acq(&f->state) & (IO_OPEN | IO_ENDING)) == 0;
        if (empty) {
            store_rlx(&f->nonblock, (user_nonblock ? IO_NB_USER : 0u) | (ours ? IO_NB_OURS : 0u));
            publish(f, fd, kind, tcp);
        }
        unlock(&f->lock);
        leave(in);
        if (empty)
            return 0;
        give_way();
    }
}

/* ---- references and directions */

static uint64_t held_bit(enum io_hold hold)
{
    return hold == IO_REF ? 0 : IO_HELD(hold);
}

/* Queues for a direction. 0: it is ours; 1: look again; -EBADF. */
static PARKS NO_TSA int queue_for(struct iofd *f, enum io_hold hold)
{
    struct m *m = m_enter();
    struct io_waiter w = {.g = m_curg(m)};
    lock(&f->lock);
    uint64_t s = load_acq(&f->state);
    if ((s & (IO_OPEN | IO_CLOSED)) != IO_OPEN || (s & IO_HELD(hold)) == 0 ||
        !cas_seq(&f->state, s, (s | IO_QUEUED(hold)) + IO_ONE_REF)) {
        unlock(&f->lock);
        m_leave(self());
        return 1;
    }
    list_put_tail(&f->queue[hold], &w.node);
    park_unlock(&f->lock, WAIT_SEMACQUIRE);
    m_leave(self());
    if (w.granted)
        return 0;
    io_put(f, IO_REF);
    return -EBADF;
}

static COLD int take_slow(int fd, enum io_hold hold, struct iofd **out)
{
    if (fd < 0)
        return -EBADF;
    struct iofd *f = slot_make(fd);
    if (f == NULL)
        return -ENOMEM;
    *out = f;
    for (;;) {
        int r = 0;
        uint64_t s = load_acq(&f->state);
        if ((s & IO_ENDING) != 0)
            give_way();
        else if ((s & IO_CLOSED) != 0)
            return -EBADF;
        else if ((s & IO_OPEN) == 0)
            r = first_use(f, fd);
        else if ((s & held_bit(hold)) != 0) {
            r = queue_for(f, hold);
            if (r == 0)
                return 0;
            r = r > 0 ? 0 : r;
        } else if (cas_acq_rel(&f->state, s, (s | held_bit(hold)) + IO_ONE_REF))
            return 0;
        if (r < 0)
            return r;
    }
}

int io_take(int fd, enum io_hold hold, struct iofd **out)
{
    struct iofd *f = slot(fd);
    if (likely(f != NULL)) {
        uint64_t s = load_acq(&f->state);
        if (likely((s & (IO_OPEN | IO_CLOSED | held_bit(hold))) == IO_OPEN) &&
            likely(cas_acq_rel(&f->state, s, (s | held_bit(hold)) + IO_ONE_REF))) {
            *out = f;
            return 0;
        }
    }
    return take_slow(fd, hold, out);
}

/* Sets `s` free, and tells those who wait for that. The caller has closed the number. */
static void end_life(struct iofd *f, int result)
{
    struct node *n;
    struct list woken;
    list_init(&woken);
    bool in = enter();
    lock(&f->lock);
    f->drained = false;
    store_rlx(&f->flags, 0u);
    store_rlx(&f->polled, 0u);
    while ((n = list_take_head(&f->closers)) != NULL) {
        container_of(n, struct io_waiter, node)->result = result;
        list_put_tail(&woken, n);
    }
    uint64_t life = (load_rlx(&f->state) + IO_ONE_LIFE) & ~(IO_ONE_LIFE - 1);
    store_rel(&f->state, life); /* pairs with io_take */
    unlock(&f->lock);
    while ((n = list_take_head(&woken)) != NULL)
        ready(container_of(n, struct io_waiter, node)->g);
    leave(in);
}

static int kernel_close(int fd)
{
    if (!io_can_park())
        return os_close(fd);
    sched_enter_syscall(); /* SO_LINGER, or a slow file system */
    int r = os_close(fd);
    sched_exit_syscall();
    return r;
}

/* The last reference is gone; `s` is the state now, ENDING. */
static int finish_close(struct iofd *f, uint64_t s)
{
    if (load_acq(&f->polled) != 0)
        poll_close(&f->poll);
    int r = (s & IO_FORGET) != 0 ? 0 : kernel_close(f->fd);
    end_life(f, r);
    return r;
}

/* Gives back a reference, and the direction unless it was handed over. */
static int drop(struct iofd *f, uint64_t bits)
{
    for (;;) {
        uint64_t s = load_rlx(&f->state);
        uint64_t n = (s & ~bits) - IO_ONE_REF;
        bool last = (s & IO_CLOSED) != 0 && IO_REFS(n) == 0;
        if (last)
            n = (n & ~IO_OPEN) | IO_ENDING;
        if (!cas_acq_rel(&f->state, s, n)) /* pairs with io_take */
            continue;
        return last ? finish_close(f, n) : 1;
    }
}

/* Hands the direction to the first in its queue. False: nobody is there. */
static bool hand_over(struct iofd *f, enum io_hold hold)
{
    (void)m_enter();
    lock(&f->lock);
    struct node *n = list_take_head(&f->queue[hold]);
    if (list_empty(&f->queue[hold]))
        and_seq(&f->state, ~IO_QUEUED(hold));
    unlock(&f->lock);
    struct io_waiter *w = n != NULL ? container_of(n, struct io_waiter, node) : NULL;
    if (w != NULL) {
        w->granted = true;
        ready(w->g);
    }
    m_leave(self());
    return w != NULL;
}

void io_put(struct iofd *f, enum io_hold hold)
{
    uint64_t bits = held_bit(hold);
    if (hold == IO_REF) {
        (void)drop(f, 0);
        return;
    }
    for (;;) {
        uint64_t s = load_rlx(&f->state);
        if (unlikely((s & (IO_QUEUED(hold) | IO_CLOSED)) != 0))
            break;
        if (likely(cas_acq_rel(&f->state, s, (s & ~bits) - IO_ONE_REF))) /* pairs with io_take */
            return;
    }
    if ((load_rlx(&f->state) & IO_QUEUED(hold)) != 0 && hand_over(f, hold))
        bits = 0;
    (void)drop(f, bits);
}

/* ---- waiting for the poller */

static COLD int start_polling(struct iofd *f)
{
    int r = 0;
    bool in = enter();
    lock(&f->lock);
    if (load_acq(&f->polled) == 0) {
        r = poll_open(&f->poll, f->fd);
        if (r == 0)
            store_rel(&f->polled, 1u);
    }
    unlock(&f->lock);
    leave(in);
    return r;
}

static bool commit_wait_read(struct g *g, void *arg)
{
    return poll_commit_wait(arg, POLL_READ, g);
}

static bool commit_wait_write(struct g *g, void *arg)
{
    return poll_commit_wait(arg, POLL_WRITE, g);
}

PARKS int io_wait(struct iofd *f, enum poll_mode mode)
{
    if (unlikely(load_acq(&f->polled) == 0)) {
        int r = start_polling(f);
        if (r != 0)
            return r;
    }
    for (;;) {
        int r = io_flag_error(load_seq(&f->flags), mode);
        if (unlikely(r != 0))
            return r;
        if (!poll_begin_wait(&f->poll, mode))
            return 0;
        if (likely(io_flag_error(load_seq(&f->flags), mode) == 0)) { /* pairs with interrupt */
            (void)m_enter();
            park(mode == POLL_READ ? commit_wait_read : commit_wait_write, &f->poll, WAIT_IO);
            m_leave(self());
        }
        if (poll_end_wait(&f->poll, mode))
            return 0;
        /* Neither an edge nor, next round, a flag: a deadline passed and was moved before we ran.
         */
    }
}

int io_wait_thread(int fd, enum poll_mode mode)
{
    struct pollfd p = {.fd = fd, .events = mode == POLL_READ ? POLLIN : POLLOUT};
    int64_t r = os_call5(SYS_ppoll, &p, 1, 0, 0, 0);
    if (r < 0)
        return (int)r;
    return (p.revents & POLLNVAL) != 0 ? -EBADF : 0;
}

int io_need_nonblock(struct iofd *f)
{
    if (load_acq(&f->nonblock) != 0)
        return 0;
    int64_t flags = os_call2(SYS_fcntl, f->fd, F_GETFL);
    if (flags >= 0)
        flags = os_call3(SYS_fcntl, f->fd, F_SETFL, flags | O_NONBLOCK);
    if (flags < 0)
        return (int)flags;
    or_seq(&f->nonblock, IO_NB_OURS);
    return 0;
}

static void pause_over(void *arg, int64_t now_ns)
{
    (void)now_ns;
    ready(arg);
}

static bool commit_pause(struct g *g, void *arg)
{
    struct timer *t = arg;
    t->arg = g;
    sched_timer_start(t);
    return true;
}

PARKS void io_pause(int64_t ns)
{
    if (!io_can_park()) {
        os_sleep_ns(ns);
        return;
    }
    (void)m_enter();
    struct timer t = {.when_ns = os_nanotime() + ns, .fn = pause_over};
    park(commit_pause, &t, WAIT_SLEEP);
    m_leave(self());
}

/* ---- deadlines */

/* Raises `flag` and returns whom it wakes. */
static struct g *interrupt(struct iofd *f, enum poll_mode mode, uint32_t flag) REQUIRES(f->lock)
{
    or_seq(&f->flags, flag); /* pairs with io_wait */
    return poll_unblock(&f->poll, mode);
}

static void deadline_due(struct iofd *f, enum poll_mode mode, int64_t now_ns)
{
    struct g *g = NULL;
    lock(&f->lock);
    int64_t at = f->deadline[mode].at_ns;
    if (at != 0 && at <= now_ns && (load_rlx(&f->state) & IO_OPEN) != 0)
        g = interrupt(f, mode, IO_EXPIRED(mode));
    unlock(&f->lock);
    if (g != NULL)
        ready(g);
}

static void read_deadline_due(void *arg, int64_t now_ns)
{
    deadline_due(arg, POLL_READ, now_ns);
}

static void write_deadline_due(void *arg, int64_t now_ns)
{
    deadline_due(arg, POLL_WRITE, now_ns);
}

static struct g *deadline_set(struct iofd *f, enum poll_mode mode, int64_t at_ns) REQUIRES(f->lock)
{
    struct io_deadline *d = &f->deadline[mode];
    if (d->at_ns != 0)
        (void)timer_stop(&d->timer); /* a callback already under way looks at at_ns again */
    d->at_ns = at_ns;
    if (at_ns != 0 && at_ns <= os_nanotime())
        return interrupt(f, mode, IO_EXPIRED(mode));
    and_seq(&f->flags, ~IO_EXPIRED(mode));
    if (at_ns == 0)
        return NULL;
    d->timer.when_ns = at_ns;
    d->timer.period_ns = 0;
    d->timer.fn = mode == POLL_READ ? read_deadline_due : write_deadline_due;
    d->timer.arg = f;
    sched_timer_start(&d->timer);
    return NULL;
}

PARKS int64_t io_set_deadlines(int fd, int64_t at_ns, unsigned modes)
{
    struct g *woken[2] = {NULL, NULL};
    struct iofd *f;
    if (!io_can_park())
        return -ENOTSUP; /* timers belong to processors, and this thread has none */
    int r = io_take(fd, IO_REF, &f);
    if (r != 0)
        return r;
    if (f->kind == IO_FILE)
        r = -ENOTSUP;
    (void)m_enter();
    lock(&f->lock);
    if (r == 0 && (load_acq(&f->state) & IO_CLOSED) != 0)
        r = -EBADF;
    for (int mode = 0; r == 0 && mode < 2; mode++)
        if ((modes & (1u << mode)) != 0)
            woken[mode] = deadline_set(f, (enum poll_mode)mode, at_ns);
    unlock(&f->lock);
    for (int mode = 0; mode < 2; mode++)
        if (woken[mode] != NULL)
            ready(woken[mode]);
    m_leave(self());
    io_put(f, IO_REF);
    return r;
}

int gort_set_read_deadline(int fd, int64_t ns)
{
    return (int)io_result(io_set_deadlines(fd, ns, 1u << POLL_READ));
}

int gort_set_write_deadline(int fd, int64_t ns)
{
    return (int)io_result(io_set_deadlines(fd, ns, 1u << POLL_WRITE));
}

int gort_set_deadline(int fd, int64_t ns)
{
    return (int)io_result(io_set_deadlines(fd, ns, 1u << POLL_READ | 1u << POLL_WRITE));
}

/* ---- closing */

/* Wakes all who wait on `f`, on either side; they see IO_CLOSING. Inside, or on a thread that
 * cannot be: then nobody waits. */
static void wake_all(struct iofd *f)
{
    struct list woken;
    struct g *polled[2];
    struct node *n;
    list_init(&woken);
    lock(&f->lock);
    for (int mode = 0; mode < 2; mode++) {
        if (f->deadline[mode].at_ns != 0)
            (void)timer_stop(&f->deadline[mode].timer);
        f->deadline[mode].at_ns = 0;
        polled[mode] = interrupt(f, (enum poll_mode)mode, IO_CLOSING);
        while ((n = list_take_head(&f->queue[mode])) != NULL)
            list_put_tail(&woken, n);
        and_seq(&f->state, ~IO_QUEUED(mode));
    }
    unlock(&f->lock);
    for (int mode = 0; mode < 2; mode++)
        if (polled[mode] != NULL)
            ready(polled[mode]);
    while ((n = list_take_head(&woken)) != NULL)
        ready(container_of(n, struct io_waiter, node)->g);
}

/* Waits until the life with number `life` is over; the kernel's answer to its close. */
static PARKS NO_TSA int wait_for_end(struct iofd *f, uint64_t life)
{
    struct m *m = m_enter();
    struct io_waiter w = {.g = m_curg(m)};
    lock(&f->lock);
    if (IO_LIFE(load_acq(&f->state)) != life) {
        unlock(&f->lock);
    } else {
        list_put_tail(&f->closers, &w.node);
        park_unlock(&f->lock, WAIT_SEMACQUIRE);
    }
    m_leave(self());
    return w.result;
}

/* Ends the life of `f` once its operations have left. -EBADF: somebody else does, or it is not
 * open; otherwise the kernel's answer, or 0 for a file that is closed when its last operation
 * returns. */
static PARKS int end(struct iofd *f, uint64_t how)
{
    uint64_t s;
    do {
        s = load_acq(&f->state);
        if ((s & (IO_OPEN | IO_CLOSED)) != IO_OPEN)
            return -EBADF;
    } while (!cas_seq(&f->state, s, (s | IO_CLOSED | how) + IO_ONE_REF));
    bool in = enter(), wait = f->kind != IO_FILE || how == IO_FORGET;
    if (in || IO_REFS(s) == 0)
        wake_all(f);
    leave(in);
    int r = drop(f, 0);
    if (r <= 0)
        return r;
    return wait && in ? wait_for_end(f, IO_LIFE(s)) : 0;
}

static PARKS void forget(struct iofd *f)
{
    (void)end(f, IO_FORGET);
}

void gort_fd_forget(int fd)
{
    struct iofd *f = slot(fd);
    if (f != NULL && (load_acq(&f->state) & IO_OPEN) != 0)
        forget(f);
}

int gort_close(int fd)
{
    struct iofd *f = slot(fd);
    if (f == NULL || (load_acq(&f->state) & (IO_OPEN | IO_ENDING)) == 0)
        return (int)io_result(kernel_close(fd));
    return (int)io_result(end(f, 0));
}

/* ---- the program's own O_NONBLOCK */

bool gort_fd_nonblocking(int fd)
{
    struct iofd *f = slot(fd);
    if (f != NULL && (load_acq(&f->state) & IO_OPEN) != 0)
        return (load_acq(&f->nonblock) & IO_NB_USER) != 0;
    int64_t flags = os_call2(SYS_fcntl, fd, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

static int64_t set_flags(struct iofd *f, intptr_t flags)
{
    uint32_t ours = load_acq(&f->nonblock) & IO_NB_OURS;
    intptr_t sent = ours != 0 ? flags | O_NONBLOCK : flags;
    int64_t r = os_call3(SYS_fcntl, f->fd, F_SETFL, sent);
    if (r >= 0 && (flags & O_NONBLOCK) != 0)
        or_seq(&f->nonblock, IO_NB_USER);
    else if (r >= 0)
        and_seq(&f->nonblock, ~IO_NB_USER);
    return r;
}

static int64_t get_flags(struct iofd *f)
{
    int64_t r = os_call2(SYS_fcntl, f->fd, F_GETFL);
    if (r >= 0 && load_acq(&f->nonblock) == IO_NB_OURS)
        r &= ~(int64_t)O_NONBLOCK;
    return r;
}

static PARKS int64_t fcntl_other(int fd, int cmd, intptr_t arg)
{
    int64_t r = io_announced(SYS_fcntl, fd, cmd, arg, 0, 0, 0);
    if (r >= 0 && (cmd == F_DUPFD || cmd == F_DUPFD_CLOEXEC))
        gort_fd_forget((int)r); /* the number is new, whatever we knew of it */
    return r;
}

int gort_fcntl(int fd, int cmd, intptr_t arg)
{
    struct iofd *f = slot(fd);
    bool known = f != NULL && (load_acq(&f->state) & IO_OPEN) != 0 && io_can_park();
    if (!known || (cmd != F_SETFL && cmd != F_GETFL))
        return (int)io_result(fcntl_other(fd, cmd, arg));
    int64_t r = io_take(fd, IO_REF, &f);
    if (r == 0) {
        r = cmd == F_SETFL ? set_flags(f, arg) : get_flags(f);
        io_put(f, IO_REF);
    }
    return (int)io_result(r);
}
