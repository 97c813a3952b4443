/* timer.h: deadlines, in one heap per P.
 *
 * Knows times and callbacks, not goroutines. A callback runs inside the runtime (m_enter), on the
 * scheduler's or some goroutine's stack, with no lock held; it must not park. It may ready
 * goroutines, send on channels without blocking, and start, stop or reset timers, its own included.
 *
 *   new timer --timer_start--> pending --due--> idle (or pending again, with a period)
 *                                 |---timer_stop--> idle
 */
#ifndef TIMER_TIMER_H
#define TIMER_TIMER_H

#include "base/atomic.h"
#include "base/attr.h"
#include "os/os.h"

struct timers;

/* Embedded by whoever waits: on a stack, in the collected heap. Zeroed is idle. */
struct timer {
    /* lock (of the heap it is in); while idle, whoever is about to start it: */
    int64_t when_ns;   /* os_nanotime */
    int64_t period_ns; /* 0: once */
    uint32_t index;    /* place in the heap, or TIMER_FRESH | place among the newcomers */
    /* const while pending: */
    void (*fn)(void *arg, int64_t now_ns);
    void *arg;
    /* lock+atomic: */
    aptr owner; /* struct timers, NULL when idle */
};

struct timer_slot {
    int64_t when_ns;
    struct timer *t;
};

/* Part of struct p. The arrays hold the only reference to many a pending timer: they are roots. */
struct timers {
    struct lock lock; /* rank timers */
    /* lock: */
    struct timer_slot *heap; /* 4-ary */
    uint32_t len, cap;
    struct timer **fresh; /* started since the heap was last looked at: a timer that is stopped
                             soon never costs a place in the heap */
    uint32_t nfresh, fresh_cap;
    int64_t fresh_min_ns; /* no newcomer is due before */
    /* lock+atomic: */
    ai64 next_ns; /* nothing is due before; INT64_MAX when nothing is pending */
    au32 count;   /* pending timers */
};

/* `ns` from `now_ns` on: at once if it is not positive, the end of time if that is too late. */
static inline int64_t timer_deadline(int64_t now_ns, int64_t ns)
{
    int64_t when;
    if (ns <= 0)
        return now_ns;
    return __builtin_add_overflow(now_ns, ns, &when) ? INT64_MAX : when;
}

void timers_init(struct timers *ts);
/* Arms an idle timer for t->when_ns. True if it became the earliest of `ts`: then whoever sleeps
 * until timers_next must be woken. */
bool timer_start(struct timers *ts, struct timer *t);
/* True if it was pending and is now idle; false if it was idle (it fired, or was stopped). Does not
 * wait for a callback that is running or about to. */
bool timer_stop(struct timer *t);
/* Arms it for another time; on `ts`, unless it is pending elsewhere and its place there will do. *was_pending tells; returns as timer_start. Two
 * resets at once are one after the other. */
bool timer_reset(struct timers *ts, struct timer *t, int64_t when_ns, int64_t period_ns,
                 bool *was_pending);
/* The time before which timers_run has nothing to do. A sleeper says that it sleeps, then reads
 * this; timer_start writes it, then its caller looks for sleepers: seq_cst on both sides. */
static inline int64_t timers_next(const struct timers *ts)
{
    return load_seq(&((struct timers *)(uintptr_t)ts)->next_ns);
}
static inline uint32_t timers_count(const struct timers *ts)
{
    return load_rlx(&((struct timers *)(uintptr_t)ts)->count);
}
/* Runs what is due at `now_ns`; the number of callbacks run. */
unsigned timers_run(struct timers *ts, int64_t now_ns);
/* Moves all of `from` to `to` (GOMAXPROCS became smaller). */
void timers_move(struct timers *to, struct timers *from);
void timers_check(struct timers *ts);

#endif
