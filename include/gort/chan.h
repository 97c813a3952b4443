/* gort/chan.h: channels and select.
 *
 * A channel carries elements of one type between goroutines, in order, through a buffer of fixed
 * capacity or, with capacity 0, from hand to hand. Channels are garbage-collected: there is nothing
 * to free, and closing one is only a message. A NULL channel is Go's nil channel: sending and
 * receiving wait for ever, and a select never picks it.
 *
 *     gort_chan *c = gort_make_chan(int, 8);
 *     int v = 42;
 *     gort_chan_send(c, &v);
 *     while (gort_chan_recv(c, &v))
 *         ...
 */
#ifndef GORT_CHAN_H
#define GORT_CHAN_H

#include <gort/base.h>
#include <gort/type.h>

GORT_BEGIN_DECLS

typedef struct gort_chan gort_chan;

/* A new channel of elements of type `T` with room for `cap` of them: Go's make(chan T, cap).
 * An undescribed `T` (see gort/type.h) works; the collector then looks at each of its words. */
#define gort_make_chan(T, cap) gort_chan_make(gort_typeof_or_name(T), (cap))

/* Makes a channel.
 *
 * Waits    never.
 * elem     the type of the elements; less than 64 KiB.
 * cap      how many elements may wait in the channel; 0: sender and receiver meet.
 * Returns  the channel, open and empty; never NULL.
 * Fails    panics with `makechan: size out of range` when the buffer would not fit into the address
 *          space or `cap` is negative as a signed number. An element type that is too large is
 * fatal. Callers  any goroutine.
 */
GORT_API gort_chan *gort_chan_make(const gort_type *elem, size_t cap);

/* Sends a copy of `*elem`: Go's c <- v.
 *
 * Waits    until a receiver or the buffer takes it; for ever on NULL. Parks the goroutine only.
 * elem     one element of the channel's type; only read.
 * Fails    panics with `send on closed channel` if `c` is closed, or is closed meanwhile.
 * Callers  any goroutines at once; waiting ones are served in the order of their coming.
 */
GORT_API void gort_chan_send(gort_chan *c, const void *elem);

/* Receives one element from `c` into `*elem`: Go's v, ok := <-c.
 *
 * Waits    until an element arrives or `c` is closed; for ever on NULL. Parks the goroutine only.
 * elem     room for one element of the channel's type; NULL drops it.
 * Returns  true with an element; false if `c` is closed and drained, with `*elem` zeroed.
 * Fails    never by return. If nothing else can run, the program dies of deadlock.
 * Callers  any goroutines at once. What happened before the matching send is visible on return.
 */
GORT_API bool gort_chan_recv(gort_chan *c, void *elem);

/* Sends a copy of `*elem` if that is possible at once: a select with one send and a default.
 *
 * Waits    never.
 * Returns  true if it was sent; false if it would have had to wait, also on NULL.
 * Fails    panics with `send on closed channel`.
 * Callers  any goroutines at once.
 */
GORT_API bool gort_chan_try_send(gort_chan *c, const void *elem);

/* Receives an element if that is possible at once: a select with one receive and a default.
 *
 * Waits    never.
 * elem     as for gort_chan_recv.
 * received set to what gort_chan_recv would return if the call returns true, else to false; may be
 *          NULL.
 * Returns  true if the receive took place, which on a closed channel it does; false if it would
 * have had to wait, also on NULL. Callers  any goroutines at once.
 */
GORT_API bool gort_chan_try_recv(gort_chan *c, void *elem, bool *received);

/* Says that nothing will be sent any more: Go's close(c).
 *
 * Waits    never. Waiting receivers wake with false, waiting senders panic.
 * Fails    panics with `close of nil channel` or `close of closed channel`.
 * Callers  any goroutine. What happened before is visible to who receives false.
 */
GORT_API void gort_chan_close(gort_chan *c);

/* The number of elements in the buffer at some moment during the call, and its capacity: Go's
 * len(c) and cap(c). 0 for NULL. Never wait; any thread. */
GORT_API size_t gort_chan_len(const gort_chan *c);
GORT_API size_t gort_chan_cap(const gort_chan *c);

enum gort_select_dir {
    GORT_SELECT_SEND = 1,
    GORT_SELECT_RECV = 2,
};

/* One case of a select; made by GORT_SEND, GORT_RECV and GORT_RECV_OK. */
typedef struct {
    gort_chan *chan;
    union {
        const void *src; /* GORT_SELECT_SEND */
        void *dst;       /* GORT_SELECT_RECV; NULL drops the element */
    } elem;
    bool *ok; /* NULL, or where a receive says what gort_chan_recv would return */
    enum gort_select_dir dir;
} gort_select_case;

/* Cases, for an array or an assignment: send *p to c; receive from c into *p; the same, and set
 * *ok as `v, ok := <-c` does. They are evaluated once, where they stand. */
#define GORT_SEND(c, p)         gort_select_send_case((c), (p))
#define GORT_RECV(c, p)         gort_select_recv_case((c), (p), NULL)
#define GORT_RECV_OK(c, p, okp) gort_select_recv_case((c), (p), (okp))

static inline gort_select_case gort_select_send_case(gort_chan *c, const void *src)
{
    gort_select_case k;
    k.chan = c;
    k.elem.src = src;
    k.ok = NULL;
    k.dir = GORT_SELECT_SEND;
    return k;
}
static inline gort_select_case gort_select_recv_case(gort_chan *c, void *dst, bool *ok)
{
    gort_select_case k;
    k.chan = c;
    k.elem.dst = dst;
    k.ok = ok;
    k.dir = GORT_SELECT_RECV;
    return k;
}

/* Waits until one of the cases can proceed, and runs it: Go's select without a default.
 *
 *     gort_select_case cases[] = {GORT_RECV(work, &job), GORT_RECV(quit, NULL)};
 *     switch (gort_select(cases, 2)) { case 0: ... case 1: ... }
 *
 * Waits    until a case is ready; for ever if `n` is 0 or every channel is NULL. Parks the
 * goroutine only. cases    read only; the same channel may occur several times. n        how many,
 * at most 65536. Returns  the index of the case that ran, chosen at random, each with the same
 * chance, if several were ready. Fails    panics with `send on closed channel` if the case that ran
 * is such a send, and with `reflect.Select: too many cases (max 65536)`. Callers  any goroutines at
 * once.
 */
GORT_API int gort_select(const gort_select_case *cases, int n);

/* The same with a default: never waits, and returns -1 if at some moment during the call no case
 * was ready. */
GORT_API int gort_select_default(const gort_select_case *cases, int n);

GORT_END_DECLS

#endif
