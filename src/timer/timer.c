/* timer.c: the deadlines of one P.
 *
 * Owns    which timer is pending, where, and what is due. Who runs timers_run, and when, is
 *         sched/schedule.c; who sleeps until the next one is sched/wake.c.
 * Holds   1. heap[(i - 1) / 4].when_ns <= heap[i].when_ns for 0 < i < len.
 *         2. A pending timer is in exactly one place of its owner, and its index says which.
 *            Its slot's when_ns is at or before its deadline: a reset to later leaves it where it
 *            is, and whoever finds it at the root then moves it.
 *         3. fresh_min_ns <= the deadline of every newcomer.
 *         4. next_ns <= every deadline; INT64_MAX when nothing is pending. It is not always equal
 *            to the earliest: a newcomer that is stopped may leave it too early, and timers_run
 *            then finds nothing and corrects it.
 *         5. count == len + nfresh.
 * Locks   the heap's own; timer_reset and timers_move may take two, in address order. An idle timer
 *         belongs to nobody; the swap of `owner` from NULL, under the lock of the heap it goes to,
 *         decides between two who reset it.
 * Order   owner is stored with release after the last touch of a timer that becomes idle, and
 *         read with acquire by whoever starts it again.
 * Instead of a timing wheel: deadlines here are few and far from each other or many and soon
 *         stopped. The former want a heap's exactness and its sleep until the next deadline; the
 *         latter never reach the heap: a newcomer waits in `fresh`, where starting and stopping
 *         are a store and a swap, until that is full or something is due. Go marks stopped timers
 *         in its heap and sweeps them out later, which costs each a place on the way up.
 */
#include "timer/timer.h"

#include "base/check.h"
#include "conf/limits.h"
#include "mem/mem.h"

enum {
    ARITY = 4,
    BATCH = 16, /* callbacks run for one taking of the lock */
};
#define TIMER_FRESH (1u << 31)

void timers_init(struct timers *ts)
{
    *ts = (struct timers){.fresh_min_ns = INT64_MAX};
    lock_init(&ts->lock, timers);
    store_rlx(&ts->next_ns, INT64_MAX);
}

/* ---- the heap */

static inline void heap_set(struct timers *ts, uint32_t i, struct timer_slot s) REQUIRES(ts->lock)
{
    ts->heap[i] = s;
    s.t->index = i;
}

static void heap_up(struct timers *ts, uint32_t i, struct timer_slot s) REQUIRES(ts->lock)
{
    while (i > 0) {
        uint32_t parent = (i - 1) / ARITY;
        if (ts->heap[parent].when_ns <= s.when_ns)
            break;
        heap_set(ts, i, ts->heap[parent]);
        i = parent;
    }
    heap_set(ts, i, s);
}

static uint32_t heap_least_child(const struct timers *ts, uint32_t first) REQUIRES(ts->lock)
{
    uint32_t end = first + ARITY < ts->len ? first + ARITY : ts->len;
    uint32_t least = first;
    for (uint32_t c = first + 1; c < end; c++)
        if (ts->heap[c].when_ns < ts->heap[least].when_ns)
            least = c;
    return least;
}

static void heap_down(struct timers *ts, uint32_t i, struct timer_slot s) REQUIRES(ts->lock)
{
    for (;;) {
        uint32_t first = i * ARITY + 1;
        if (first >= ts->len)
            break;
        uint32_t least = heap_least_child(ts, first);
        if (ts->heap[least].when_ns >= s.when_ns)
            break;
        heap_set(ts, i, ts->heap[least]);
        i = least;
    }
    heap_set(ts, i, s);
}

/* Puts `s` where slot i is free, whichever way it has to go. */
static void heap_settle(struct timers *ts, uint32_t i, struct timer_slot s) REQUIRES(ts->lock)
{
    if (i > 0 && s.when_ns < ts->heap[(i - 1) / ARITY].when_ns)
        heap_up(ts, i, s);
    else
        heap_down(ts, i, s);
}

/* Losing a deadline would hang the program, so no memory for one is its end. */
static void *table_grow(void *old, size_t old_bytes, size_t new_bytes)
{
    void *p = mem_table_grow(old, old_bytes, new_bytes);
    if (p == NULL)
        fatal("runtime: out of memory");
    return p;
}

static COLD void heap_grow(struct timers *ts) REQUIRES(ts->lock)
{
    uint32_t cap = ts->cap == 0 ? TIMER_HEAP_MIN : ts->cap * 2;
    ts->heap = table_grow(ts->heap, ts->cap * sizeof ts->heap[0], cap * sizeof ts->heap[0]);
    ts->cap = cap;
}

static void heap_put(struct timers *ts, struct timer *t) REQUIRES(ts->lock)
{
    if (ts->len == ts->cap)
        heap_grow(ts);
    heap_up(ts, ts->len++, (struct timer_slot){t->when_ns, t});
}

static void heap_remove(struct timers *ts, uint32_t i) REQUIRES(ts->lock)
{
    struct timer_slot last = ts->heap[--ts->len];
    if (i < ts->len)
        heap_settle(ts, i, last);
}

/* ---- newcomers */

static void fresh_to_heap(struct timers *ts) REQUIRES(ts->lock)
{
    for (uint32_t i = 0; i < ts->nfresh; i++)
        heap_put(ts, ts->fresh[i]);
    ts->nfresh = 0;
    ts->fresh_min_ns = INT64_MAX;
}

static COLD void fresh_make_room(struct timers *ts) REQUIRES(ts->lock)
{
    if (ts->fresh_cap != 0) {
        fresh_to_heap(ts);
        return;
    }
    ts->fresh = table_grow(NULL, 0, TIMER_FRESH_CAP * sizeof(struct timer *));
    ts->fresh_cap = TIMER_FRESH_CAP;
}

static inline void fresh_put(struct timers *ts, struct timer *t) REQUIRES(ts->lock)
{
    if (unlikely(ts->nfresh == ts->fresh_cap))
        fresh_make_room(ts);
    if (t->when_ns < ts->fresh_min_ns)
        ts->fresh_min_ns = t->when_ns;
    t->index = TIMER_FRESH | ts->nfresh;
    ts->fresh[ts->nfresh++] = t;
}

static inline void fresh_remove(struct timers *ts, uint32_t i) REQUIRES(ts->lock)
{
    struct timer *last = ts->fresh[--ts->nfresh];
    ts->fresh[i] = last;
    last->index = TIMER_FRESH | i;
    if (ts->nfresh == 0)
        ts->fresh_min_ns = INT64_MAX;
}

/* ---- both */

/* Publishes what changed: the number pending and the time of the next. */
static inline void publish(struct timers *ts) REQUIRES(ts->lock)
{
    int64_t next = ts->fresh_min_ns;
    if (ts->len > 0 && ts->heap[0].when_ns < next)
        next = ts->heap[0].when_ns;
    store_rlx(&ts->count, ts->len + ts->nfresh);
    if (load_rlx(&ts->next_ns) != next)
        store_seq(&ts->next_ns, next); /* pairs with timers_next */
}

static inline bool insert(struct timers *ts, struct timer *t) REQUIRES(ts->lock)
{
    bool first = t->when_ns < load_rlx(&ts->next_ns);
    fresh_put(ts, t);
    publish(ts);
    return first;
}

static inline void extract(struct timers *ts, struct timer *t) REQUIRES(ts->lock)
{
    if (likely((t->index & TIMER_FRESH) != 0))
        fresh_remove(ts, t->index & ~TIMER_FRESH);
    else
        heap_remove(ts, t->index);
}

/* The heap that `t` is in, locked; NULL when idle. timers_move may change it meanwhile. */
static inline struct timers *lock_owner(struct timer *t) NO_TSA
{
    for (;;) {
        struct timers *ts = load_acq(&t->owner);
        if (ts == NULL)
            return NULL;
        lock(&ts->lock);
        if (likely(load_rlx(&t->owner) == ts))
            return ts;
        unlock(&ts->lock);
    }
}

bool timer_start(struct timers *ts, struct timer *t)
{
    lock(&ts->lock);
    CHECK(load_acq(&t->owner) == NULL);
    store_rlx(&t->owner, ts);
    bool first = insert(ts, t);
    unlock(&ts->lock);
    return first;
}

bool timer_stop(struct timer *t) NO_TSA
{
    struct timers *ts = lock_owner(t);
    if (ts == NULL)
        return false;
    extract(ts, t);
    publish(ts);
    store_rel(&t->owner, NULL); /* the last touch */
    unlock(&ts->lock);
    return true;
}

/* Both heaps, in address order; once if they are one. */
static void lock_two(struct timers *a, struct timers *b) NO_TSA
{
    lock((uintptr_t)a < (uintptr_t)b ? &a->lock : &b->lock);
    if (a != b)
        lock((uintptr_t)a < (uintptr_t)b ? &b->lock : &a->lock);
}

static void unlock_two(struct timers *a, struct timers *b) NO_TSA
{
    if (a != b)
        unlock(&b->lock);
    unlock(&a->lock);
}

/* Takes `t` out of the heap it is in, if any, and makes it `to`'s. False when it went elsewhere
 * since `from` was read. */
static bool adopt(struct timers *to, struct timer *t, struct timers *from) NO_TSA
{
    if (from == NULL)
        return cas_acq(&t->owner, NULL, to); /* pairs with store_rel at the last touch */
    if (load_rlx(&t->owner) != from)
        return false;
    extract(from, t);
    publish(from);
    store_rel(&t->owner, to); /* pairs with lock_owner */
    return true;
}

/* A new deadline that is not before what its place promises costs no move. */
static bool postpone(const struct timers *ts, struct timer *t, int64_t when_ns, int64_t period_ns)
{
    int64_t promised =
        (t->index & TIMER_FRESH) != 0 ? ts->fresh_min_ns : ts->heap[t->index].when_ns;
    if (when_ns < promised)
        return false;
    t->when_ns = when_ns;
    t->period_ns = period_ns;
    return true;
}

bool timer_reset(struct timers *ts, struct timer *t, int64_t when_ns, int64_t period_ns,
                 bool *was_pending) NO_TSA
{
    struct timers *from = lock_owner(t);
    if (from != NULL) {
        bool done = postpone(from, t, when_ns, period_ns);
        unlock(&from->lock);
        *was_pending = true;
        if (done)
            return false;
    }
    for (;;) {
        from = load_acq(&t->owner);
        lock_two(ts, from != NULL ? from : ts);
        if (likely(adopt(ts, t, from)))
            break;
        unlock_two(ts, from != NULL ? from : ts);
    }
    t->when_ns = when_ns;
    t->period_ns = period_ns;
    bool first = insert(ts, t);
    unlock_two(ts, from != NULL ? from : ts);
    *was_pending = from != NULL;
    return first;
}

/* ---- what is due */

struct call {
    void (*fn)(void *arg, int64_t now_ns);
    void *arg;
};

/* The first deadline of a periodic timer after `now_ns`; those that were missed are skipped. */
static int64_t next_period(const struct timer *t, int64_t now_ns)
{
    int64_t missed = (now_ns - t->when_ns) / t->period_ns, step, when;
    if (__builtin_mul_overflow(missed + 1, t->period_ns, &step) ||
        __builtin_add_overflow(t->when_ns, step, &when))
        return INT64_MAX;
    return when;
}

/* Takes the root out, or to its next place. */
static struct call take_first(struct timers *ts, int64_t now_ns) REQUIRES(ts->lock)
{
    struct timer *t = ts->heap[0].t;
    struct call c = {t->fn, t->arg};
    if (t->period_ns > 0) {
        t->when_ns = next_period(t, now_ns);
        heap_down(ts, 0, (struct timer_slot){t->when_ns, t});
    } else {
        heap_remove(ts, 0);
        store_rel(&t->owner, NULL); /* the last touch */
    }
    return c;
}

static unsigned take_due(struct timers *ts, int64_t now_ns, struct call *calls)
{
    unsigned n = 0;
    lock(&ts->lock);
    fresh_to_heap(ts);
    while (n < BATCH && ts->len > 0 && ts->heap[0].when_ns <= now_ns) {
        struct timer *t = ts->heap[0].t;
        if (t->when_ns > ts->heap[0].when_ns) /* postponed */
            heap_down(ts, 0, (struct timer_slot){t->when_ns, t});
        else
            calls[n++] = take_first(ts, now_ns);
    }
    publish(ts);
    unlock(&ts->lock);
    return n;
}

unsigned timers_run(struct timers *ts, int64_t now_ns)
{
    struct call calls[BATCH];
    unsigned total = 0, n;
    if (now_ns < timers_next(ts))
        return 0;
    DCHECK_SLOW((timers_check(ts), true));
    do {
        n = take_due(ts, now_ns, calls);
        for (unsigned i = 0; i < n; i++)
            calls[i].fn(calls[i].arg, now_ns);
        total += n;
    } while (n == BATCH);
    return total;
}

void timers_move(struct timers *to, struct timers *from) NO_TSA
{
    lock_two(to, from);
    fresh_to_heap(from);
    for (uint32_t i = 0; i < from->len; i++) {
        heap_put(to, from->heap[i].t);
        store_rel(&from->heap[i].t->owner, to); /* pairs with lock_owner */
    }
    from->len = 0;
    publish(from);
    publish(to);
    unlock_two(to, from);
}

void timers_check(struct timers *ts)
{
    lock(&ts->lock);
    int64_t next = load_rlx(&ts->next_ns);
    for (uint32_t i = 0; i < ts->len; i++) {
        const struct timer_slot *s = &ts->heap[i];
        CHECK(i == 0 || ts->heap[(i - 1) / ARITY].when_ns <= s->when_ns); /* 1 */
        CHECK(s->t->index == i && s->t->when_ns >= s->when_ns);           /* 2 */
        CHECK(load_rlx(&s->t->owner) == ts);                              /* 2 */
        CHECK(next <= s->when_ns);                                        /* 4 */
    }
    for (uint32_t i = 0; i < ts->nfresh; i++) {
        const struct timer *t = ts->fresh[i];
        CHECK(t->index == (TIMER_FRESH | i) && load_rlx(&t->owner) == ts); /* 2 */
        CHECK(ts->fresh_min_ns <= t->when_ns);                             /* 3 */
        CHECK(next <= t->when_ns);                                         /* 4 */
    }
    CHECK(ts->len + ts->nfresh != 0 || next == INT64_MAX); /* 4 */
    CHECK(load_rlx(&ts->count) == ts->len + ts->nfresh);   /* 5 */
    unlock(&ts->lock);
}
