/* timehist.h: how often something took how long.
 *
 * Durations are counted by their highest bit and the two bits below it, so that a bucket is never wider than
 * a quarter of its lower bound:
 *
 *   counts[0..3]            below 256 ns, by 64 ns
 *   counts[4 * b + s]       from 2^(b + 7) ns on, b in [1, 40), by 2^(b + 5) ns
 *   underflow, overflow     negative; 2^47 ns (39 hours) and more
 *
 * The shape is that of Go's runtime/metrics, whose readers know it. Anybody may count at any time.
 */
#ifndef BASE_TIMEHIST_H
#define BASE_TIMEHIST_H

#include "base/atomic.h"
#include "base/attr.h"

enum {
    TIMEHIST_LOW_BIT = 8, /* 2^8 ns: below, buckets are equal */
    TIMEHIST_SUBS = 4,
    TIMEHIST_BUCKETS = 40,
    TIMEHIST_COUNTS = TIMEHIST_BUCKETS * TIMEHIST_SUBS,
};

struct timehist {
    au64 counts[TIMEHIST_COUNTS];
    au64 underflow, overflow;
};

/* Where the bucket `i` begins, in nanoseconds; TIMEHIST_COUNTS: where the overflow does. */
static inline uint64_t timehist_bound_ns(unsigned i)
{
    unsigned b = i / TIMEHIST_SUBS, s = i % TIMEHIST_SUBS;
    if (b == 0)
        return (uint64_t)s << (TIMEHIST_LOW_BIT - 2);
    return ((uint64_t)TIMEHIST_SUBS + s) << (TIMEHIST_LOW_BIT - 3 + b);
}

/* The bucket of a duration that is not negative; TIMEHIST_COUNTS or more: none. */
static inline unsigned timehist_bucket(uint64_t ns)
{
    unsigned bits = 64 - (unsigned)__builtin_clzll(ns | 1);
    if (bits <= TIMEHIST_LOW_BIT)
        return (unsigned)(ns >> (TIMEHIST_LOW_BIT - 2));
    return (bits - TIMEHIST_LOW_BIT) * TIMEHIST_SUBS + (unsigned)(ns >> (bits - 3)) % TIMEHIST_SUBS;
}

static inline void timehist_count(struct timehist *h, int64_t ns, uint64_t times)
{
    unsigned i = ns < 0 ? 0 : timehist_bucket((uint64_t)ns);
    if (ns < 0)
        add_rlx(&h->underflow, times);
    else if (i >= TIMEHIST_COUNTS)
        add_rlx(&h->overflow, times);
    else
        add_rlx(&h->counts[i], times);
}

#endif
