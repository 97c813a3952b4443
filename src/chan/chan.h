/* chan.h: channels, as the rest of the house sees them, and what chan.c and select.c share. */
#ifndef CHAN_CHAN_H
#define CHAN_CHAN_H

#include "base/atomic.h"
#include "base/attr.h"
#include "os/os.h"

#include <gort/chan.h>
#include <string.h>

struct g;
struct gort_chan;

/* A goroutine in the queue of a channel, for a plain operation or one case of a select. Lives on
 * its stack: stacks do not move. */
struct waiter {
    /* const while queued: */
    struct g *g;
    struct gort_chan *c;
    union {
        const void *src; /* waits to send; only read */
        void *dst;       /* waits to receive; NULL drops the element */
    } elem;
    bool select; /* g waits for other channels too: g->select_done decides */
    /* lock (of c): */
    struct waiter *next, *prev;
    bool queued;
    bool ok; /* an element passed; false when the channel was closed */
};

struct waitq {
    /* lock+atomic: */
    aptr first; /* struct waiter */
    /* lock: */
    struct waiter *last;
};

/* The first two words are what compiled Go reads for len and cap. */
struct gort_chan {
    /* lock+atomic: */
    au64 count; /* elements in the buffer */
    /* const: */
    size_t cap;
    char *buf; /* cap elements, used as a ring */
    const struct gort_type *type;
    uint32_t elem_bytes;
    bool has_pointers;
    /* lock+atomic: */
    au32 closed;
    au32 changes; /* grows before anything that may make a case of a select ready */
    /* lock: */
    struct lock lock;        /* rank chan */
    size_t send_at, recv_at; /* next slots of buf */
    struct waitq receivers, senders;
};

enum chan_try {
    CHAN_DONE,   /* an element passed */
    CHAN_CLOSED, /* the channel is closed: a receive yields zero, a send panics */
    CHAN_WAIT,   /* has to wait */
};

/* ---- chan.c. All are called inside the runtime. */
/* Makes a channel of zeroed memory that is part of a larger object. */
void chan_init(struct gort_chan *c, const struct gort_type *type, size_t cap, void *buf);
/* Moves one element if that is possible now; *wake is who has to be readied after unlocking. */
enum chan_try chan_put(struct gort_chan *c, const void *src, struct g **wake) REQUIRES(c->lock);
enum chan_try chan_take(struct gort_chan *c, void *dst, struct g **wake) REQUIRES(c->lock);
/* The same, with locking and waking. */
enum chan_try chan_send_now(struct gort_chan *c, const void *src) EXCLUDES(c->lock);
enum chan_try chan_recv_now(struct gort_chan *c, void *dst) EXCLUDES(c->lock);
/* False if it was closed before. */
bool chan_shut(struct gort_chan *c) EXCLUDES(c->lock);
void chan_enqueue(struct gort_chan *c, struct waitq *q, struct waiter *w) REQUIRES(c->lock);
void chan_dequeue(struct waitq *q,
                  struct waiter *w); /* if it is queued; under its channel's lock */
/* happens.c: an element passes through `slot` (without a buffer, not), and `waiter` has its part in it too
 * (NULL: nobody waited). */
void chan_happens(struct gort_chan *c, const char *slot, struct g *waiter);
/* The statement at `pc` sends *elem: outside the runtime. */
void chan_sends(struct gort_chan *c, const void *elem, const void *pc);
NORETURN void chan_panic_closed(void);
/* Dies if what chan.c promises does not hold. */
void chan_check(struct gort_chan *c) EXCLUDES(c->lock);

/* Looks without the lock. True may be late or hopeful (a waiter whose select has been decided). */
static inline bool chan_looks_sendable(struct gort_chan *c)
{
    bool room = c->cap == 0 ? load_acq(&c->receivers.first) != NULL : load_acq(&c->count) < c->cap;
    return room || load_acq(&c->closed) != 0;
}
static inline bool chan_looks_receivable(struct gort_chan *c)
{
    bool some = c->cap == 0 ? load_acq(&c->senders.first) != NULL : load_acq(&c->count) > 0;
    return some || load_acq(&c->closed) != 0;
}

#endif
