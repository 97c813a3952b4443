/* chan.c: channels.
 *
 * Owns    the buffer and the queues of waiting goroutines of each channel.
 * Holds   1. count <= cap; the elements are buf[recv_at], buf[recv_at + 1], ..., count of them,
 *            modulo cap.
 *         2. Goroutines wait to receive only while count == 0, and to send only while count == cap,
 *            but for selects that are decided and have not left the queue yet.
 *         3. In no queue is anybody while the channel is closed.
 *         4. Outside of a critical section, slots without an element are zero if elements may hold
 *            pointers: the buffer keeps nothing alive that was received.
 *         5. `changes` grows before count, closed or the head of a queue changes such that a case
 *            may become ready (select.c).
 * Locks   the channel's. Who is woken is readied after unlocking: the lock is not held while
 *         another thread starts to run.
 * Order   count, closed and the heads of queues are stored with release and read without the lock
 *         with acquire, by chan_looks_* and by the operations that do not wait.
 * Instead of copying through the buffer when somebody waits: elements go from stack to stack, since
 *         a waiter's frame stays where it is. A waiter is a struct in that frame, so waiting
 *         allocates nothing.
 *
 * A look without the lock asks for room (or for elements) first and for `closed` second. A channel
 * is closed for good, so one that is open at the second look was open at the first: at that moment
 * it was open and full (or empty), and an operation that does not wait may say so.
 */
#include "chan/chan.h"

#include "base/track.h"
#include "conf/limits.h"
#include "gc/gc.h"
#include "panic/panic.h"
#include "sched/sched.h"
#include "sync/blocked.h"

_Static_assert(offsetof(struct gort_chan, count) == 0, "compiled Go: len(c)");
_Static_assert(offsetof(struct gort_chan, cap) == sizeof(size_t), "compiled Go: cap(c)");

/* ---- making one */

void chan_init(struct gort_chan *c, const struct gort_type *type, size_t cap, void *buf)
{
    c->cap = cap;
    c->buf = buf;
    c->type = type;
    c->elem_bytes = (uint32_t)type->size;
    c->has_pointers = type->ptrdata != 0;
    lock_init(&c->lock, chan);
}

/* The buffer lies behind the header if the collector need not look at it, else it is an object of
 * its own. */
static struct gort_chan *chan_new(const struct gort_type *type, size_t cap, size_t buf_bytes)
{
    struct gort_chan *c;
    if (type->ptrdata == 0 || buf_bytes == 0) {
        c = gc_alloc(sizeof *c + buf_bytes, OBJ_NOSCAN);
        chan_init(c, type, cap, c + 1);
        return c;
    }
    char *buf = gc_alloc_type(type, cap);
    c = gc_alloc(sizeof *c, OBJ_CONSERVATIVE);
    chan_init(c, type, cap, buf);
    return c;
}

gort_chan *gort_chan_make(const gort_type *elem, size_t cap)
{
    size_t bytes;
    if (elem->size > CHAN_ELEM_MAX_BYTES)
        throw("makechan: invalid channel element type");
    if (cap > PTRDIFF_MAX || __builtin_mul_overflow(elem->size, cap, &bytes) ||
        bytes > CHAN_MAX_BYTES - sizeof(struct gort_chan))
        panic_plain("makechan: size out of range");
    struct m *m = m_enter();
    struct gort_chan *c = chan_new(elem, cap, bytes);
    m_leave(m);
    return c;
}

/* ---- elements */

static inline void elem_copy(void *dst, const void *src, size_t bytes)
{
    switch (bytes) {
    case 4:
        memcpy(dst, src, 4);
        return;
    case 8:
        memcpy(dst, src, 8);
        return;
    case 16:
        memcpy(dst, src, 16);
        return;
    case 0:
        return;
    default:
        memcpy(dst, src, bytes);
    }
}

/* To a receiver that may not want it. */
static inline void elem_give(const struct gort_chan *c, void *dst, const void *src)
{
    if (dst != NULL)
        elem_copy(dst, src, c->elem_bytes);
}

static inline void elem_clear(const struct gort_chan *c, void *dst)
{
    if (dst != NULL)
        memset(dst, 0, c->elem_bytes);
}

static inline char *elem_at(const struct gort_chan *c, size_t at)
{
    return c->buf + at * c->elem_bytes;
}

static inline size_t next_at(const struct gort_chan *c, size_t at)
{
    return at + 1 == c->cap ? 0 : at + 1;
}

/* ---- queues */

static inline void changing(struct gort_chan *c) REQUIRES(c->lock)
{
    store_rlx(&c->changes, load_rlx(&c->changes) + 1);
}

void chan_enqueue(struct gort_chan *c, struct waitq *q, struct waiter *w)
{
    changing(c);
    w->next = NULL;
    w->queued = true;
    if (load_rlx(&q->first) == NULL) {
        w->prev = NULL;
        q->last = w;
        store_rel(&q->first, w); /* pairs with chan_looks_* */
        return;
    }
    w->prev = q->last;
    q->last->next = w;
    q->last = w;
}

void chan_dequeue(struct waitq *q, struct waiter *w)
{
    if (!w->queued)
        return;
    w->queued = false;
    if (w->prev != NULL)
        w->prev->next = w->next;
    else
        store_rel(&q->first, w->next);
    if (w->next != NULL)
        w->next->prev = w->prev;
    else
        q->last = w->prev;
}

/* The waiter that came first and still waits; it is ours to wake. Selects that another channel has
 * decided are dropped on the way. */
static inline struct waiter *waitq_take(struct waitq *q)
{
    for (;;) {
        struct waiter *w = load_rlx(&q->first);
        if (w == NULL)
            return NULL;
        chan_dequeue(q, w);
        if (!w->select || cas_acq_rel(&w->g->select_done, 0u, 1u))
            return w;
    }
}

/* What the waiter finds when it runs again. Its frame is gone as soon as it does. */
static inline struct g *settle(struct waiter *w, bool ok)
{
    w->ok = ok;
    w->g->param = w;
    return w->g;
}

/* ---- one element */

enum chan_try chan_put(struct gort_chan *c, const void *src, struct g **wake)
{
    if (unlikely(load_rlx(&c->closed) != 0))
        return CHAN_CLOSED;
    struct waiter *w = waitq_take(&c->receivers);
    if (w != NULL) {
        elem_give(c, w->elem.dst, src);
        if (track_is(TRACK_RACES))
            chan_happens(c, elem_at(c, c->recv_at), w->g);
        *wake = settle(w, true);
        return CHAN_DONE;
    }
    uint64_t count = load_rlx(&c->count);
    if (count == c->cap)
        return CHAN_WAIT;
    if (track_is(TRACK_RACES))
        chan_happens(c, elem_at(c, c->send_at), NULL);
    elem_copy(elem_at(c, c->send_at), src, c->elem_bytes);
    c->send_at = next_at(c, c->send_at);
    changing(c);
    store_rel(&c->count, count + 1); /* pairs with chan_looks_* */
    return CHAN_DONE;
}

/* Moves the oldest element of the buffer out, and `refill` (may be NULL) into its place, which is
 * also the place behind the youngest if the buffer is full. */
static inline void buf_take(struct gort_chan *c, void *dst, const void *refill) REQUIRES(c->lock)
{
    char *slot = elem_at(c, c->recv_at);
    elem_give(c, dst, slot);
    c->recv_at = next_at(c, c->recv_at);
    if (refill != NULL) {
        elem_copy(slot, refill, c->elem_bytes);
        c->send_at = c->recv_at;
        return;
    }
    if (c->has_pointers)
        memset(slot, 0, c->elem_bytes);
    changing(c);
    store_rel(&c->count, load_rlx(&c->count) - 1); /* pairs with chan_looks_* */
}

enum chan_try chan_take(struct gort_chan *c, void *dst, struct g **wake)
{
    struct waiter *w = waitq_take(&c->senders);
    if (w != NULL) {
        if (track_is(TRACK_RACES))
            chan_happens(c, elem_at(c, c->recv_at), w->g);
        if (c->cap == 0)
            elem_give(c, dst, w->elem.src);
        else
            buf_take(c, dst, w->elem.src);
        *wake = settle(w, true);
        return CHAN_DONE;
    }
    if (load_rlx(&c->count) > 0) {
        if (track_is(TRACK_RACES))
            chan_happens(c, elem_at(c, c->recv_at), NULL);
        buf_take(c, dst, NULL);
        return CHAN_DONE;
    }
    if (load_rlx(&c->closed) == 0)
        return CHAN_WAIT;
    elem_clear(c, dst);
    track_acquire(&c->closed);
    return CHAN_CLOSED;
}

enum chan_try chan_send_now(struct gort_chan *c, const void *src)
{
    struct g *wake = NULL;
    lock(&c->lock);
    enum chan_try r = chan_put(c, src, &wake);
    unlock(&c->lock);
    if (wake != NULL)
        ready(wake);
    return r;
}

enum chan_try chan_recv_now(struct gort_chan *c, void *dst)
{
    struct g *wake = NULL;
    lock(&c->lock);
    enum chan_try r = chan_take(c, dst, &wake);
    unlock(&c->lock);
    if (wake != NULL)
        ready(wake);
    return r;
}

/* ---- send and receive */

NORETURN COLD void chan_panic_closed(void)
{
    panic_plain("send on closed channel");
}

static NORETURN COLD void wait_for_ever(enum wait_reason why)
{
    m_enter();
    park_forever(why);
}

/* Parks in `q` and unlocks. True if an element passed, false if the channel was closed. */
PARKS static bool wait_in(struct gort_chan *c, struct waitq *q, struct waiter *w,
                          enum wait_reason why) NO_TSA
{
    int64_t since = blocked_since();
    w->g->param = c; /* until somebody serves it */
    chan_enqueue(c, q, w);
    park_unlock(&c->lock, why);
    blocked_until_now(since, NULL);
    return w->ok;
}

void gort_chan_send(gort_chan *c, const void *elem) NO_TSA
{
    if (unlikely(c == NULL))
        wait_for_ever(WAIT_CHAN_SEND_NIL);
    struct g *wake = NULL;
    if (track_is(TRACK_RACES))
        chan_sends(c, elem, __builtin_return_address(0));
    struct m *m = m_enter();
    lock(&c->lock);
    enum chan_try r = chan_put(c, elem, &wake);
    if (r == CHAN_WAIT) {
        struct waiter w = {.g = m_curg(m), .c = c, .elem.src = elem};
        r = wait_in(c, &c->senders, &w, WAIT_CHAN_SEND) ? CHAN_DONE : CHAN_CLOSED;
        m = self();
    } else {
        unlock(&c->lock);
        if (wake != NULL)
            ready(wake);
    }
    m_leave(m);
    if (unlikely(r == CHAN_CLOSED))
        chan_panic_closed();
}

bool gort_chan_recv(gort_chan *c, void *elem) NO_TSA
{
    if (unlikely(c == NULL))
        wait_for_ever(WAIT_CHAN_RECV_NIL);
    struct g *wake = NULL;
    struct m *m = m_enter();
    lock(&c->lock);
    enum chan_try r = chan_take(c, elem, &wake);
    if (r == CHAN_WAIT) {
        struct waiter w = {.g = m_curg(m), .c = c, .elem.dst = elem};
        r = wait_in(c, &c->receivers, &w, WAIT_CHAN_RECV) ? CHAN_DONE : CHAN_CLOSED;
        m = self();
    } else {
        unlock(&c->lock);
        if (wake != NULL)
            ready(wake);
    }
    m_leave(m);
    track_writes(elem, c->elem_bytes);
    return r == CHAN_DONE;
}

/* The bracket, although a look needs no lock: a loop that only looks must give way too. */
bool gort_chan_try_send(gort_chan *c, const void *elem)
{
    if (c == NULL)
        return false;
    enum chan_try r = CHAN_WAIT;
    track_reads(&c->closed, sizeof c->closed);
    struct m *m = m_enter();
    if (chan_looks_sendable(c))
        r = chan_send_now(c, elem);
    m_leave(m);
    if (r == CHAN_DONE)
        track_reads(elem, c->elem_bytes);
    if (unlikely(r == CHAN_CLOSED))
        chan_panic_closed();
    return r == CHAN_DONE;
}

bool gort_chan_try_recv(gort_chan *c, void *elem, bool *received)
{
    enum chan_try r = CHAN_WAIT;
    if (c != NULL) {
        struct m *m = m_enter();
        if (chan_looks_receivable(c))
            r = chan_recv_now(c, elem);
        m_leave(m);
        if (r != CHAN_WAIT)
            track_writes(elem, c->elem_bytes);
    }
    if (received != NULL)
        *received = r == CHAN_DONE;
    return r != CHAN_WAIT;
}

/* ---- close */

/* Moves everybody in `q` to the list that ends at *tail; the new end. */
static struct waiter **release_all(struct gort_chan *c, struct waitq *q, struct waiter **tail)
{
    struct waiter *w;
    while ((w = waitq_take(q)) != NULL) {
        if (q == &c->receivers)
            elem_clear(c, w->elem.dst);
        settle(w, false);
        if (track_is(TRACK_RACES))
            g_track_pass(w->g, &c->closed);
        w->next = NULL;
        *tail = w;
        tail = &w->next;
    }
    return tail;
}

/* One takes over at once, as after any operation; many queue up behind what runs already. */
static void ready_all(struct waiter *w)
{
    if (w != NULL && w->next == NULL) {
        ready(w->g);
        return;
    }
    while (w != NULL) {
        struct waiter *next = w->next;
        ready_tail(w->g);
        w = next;
    }
}

bool chan_shut(struct gort_chan *c)
{
    struct waiter *released = NULL;
    lock(&c->lock);
    if (load_rlx(&c->closed) != 0) {
        unlock(&c->lock);
        return false;
    }
    changing(c);
    track_release(&c->closed);
    store_rel(&c->closed, 1u); /* pairs with chan_looks_* */
    release_all(c, &c->senders, release_all(c, &c->receivers, &released));
    unlock(&c->lock);
    ready_all(released);
    return true;
}

void gort_chan_close(gort_chan *c)
{
    if (c == NULL)
        panic_plain("close of nil channel");
    track_writes(&c->closed, sizeof c->closed);
    struct m *m = m_enter();
    bool done = chan_shut(c);
    DCHECK_SLOW((chan_check(c), true));
    m_leave(m);
    if (!done)
        panic_plain("close of closed channel");
}

/* ---- looking at it */

size_t gort_chan_len(const gort_chan *c)
{
    return c == NULL ? 0 : load_acq(&((struct gort_chan *)(uintptr_t)c)->count);
}

size_t gort_chan_cap(const gort_chan *c)
{
    return c == NULL ? 0 : c->cap;
}

/* The number of waiters in `q` that no select has withdrawn. */
static size_t waitq_check(const struct gort_chan *c, struct waitq *q)
{
    size_t n = 0;
    const struct waiter *prev = NULL;
    for (const struct waiter *w = load_rlx(&q->first); w != NULL; prev = w, w = w->next) {
        CHECK(w->queued && w->c == c && w->prev == prev);
        if (!w->select || load_rlx(&w->g->select_done) == 0)
            n++;
    }
    CHECK(prev == NULL || q->last == prev);
    return n;
}

void chan_check(struct gort_chan *c)
{
    lock(&c->lock);
    size_t count = load_rlx(&c->count);
    size_t receivers = waitq_check(c, &c->receivers), senders = waitq_check(c, &c->senders);
    CHECK(count <= c->cap && (c->cap == 0 || (c->send_at < c->cap && c->recv_at < c->cap))); /* 1 */
    CHECK(c->cap == 0 || (c->recv_at + count) % c->cap == c->send_at);                       /* 1 */
    CHECK(receivers == 0 || count == 0);                                                     /* 2 */
    CHECK(senders == 0 || count == c->cap);                                                  /* 2 */
    CHECK(load_rlx(&c->closed) == 0 || receivers + senders == 0);                            /* 3 */
    for (size_t i = count; c->has_pointers && i < c->cap; i++)
        for (size_t b = 0; b < c->elem_bytes; b++)
            CHECK(elem_at(c, (c->recv_at + i) % c->cap)[b] == 0); /* 4 */
    unlock(&c->lock);
}
