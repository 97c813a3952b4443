/* waitgroup.c: waiting until others are done.
 *
 * Owns    gort_waitgroup: in one word, so that they change together, the counter (upper half,
 *         signed) and the number of goroutines that wait for it to be zero.
 * Holds   1. Whoever brings the counter to zero with somebody waiting sets the word to zero and
 *            then releases each of them; until they are all through, nobody adds.
 * Order   the word is changed with acquire and release: what was done before each
 *         gort_waitgroup_done happened before the wait's return, by the word or by the semaphore.
 */
#include "base/track.h"
#include "sync/blocked.h"
#include "sync/sync.h"
#include "sync/up.h"

enum { COUNTER_SHIFT = 32 };

static int32_t counter_of(uint64_t state)
{
    return (int32_t)(uint32_t)(state >> COUNTER_SHIFT);
}

static uint32_t waiters_of(uint64_t state)
{
    return (uint32_t)state;
}

void gort_waitgroup_add(gort_waitgroup *wg, int n)
{
    au64 *word = sync_u64(&wg->state_);
    uint64_t delta = (uint64_t)(uint32_t)n << COUNTER_SHIFT;
    if (n < 0)
        track_release(word);
    uint64_t state = add_seq(word, delta) + delta;
    uint32_t waiters = waiters_of(state);
    if (n > 0 && counter_of(state) == n) /* the first Add must be ordered with Wait */
        track_reads(&wg->sema_, sizeof wg->sema_);
    if (counter_of(state) < 0)
        panic_string("sync: negative WaitGroup counter");
    if (waiters != 0 && n > 0 && counter_of(state) == n)
        panic_string("sync: WaitGroup misuse: Add called concurrently with Wait");
    if (counter_of(state) > 0 || waiters == 0)
        return;
    if (!cas_seq(word, state, 0ull)) /* nobody may add or begin to wait now */
        panic_string("sync: WaitGroup misuse: Add called concurrently with Wait");
    sema_release_many(&wg->sema_, waiters);
}

void gort_waitgroup_done(gort_waitgroup *wg)
{
    gort_waitgroup_add(wg, -1);
}

void gort_waitgroup_wait(gort_waitgroup *wg)
{
    au64 *word = sync_u64(&wg->state_);
    for (;;) {
        uint64_t state = load_acq(word); /* pairs with gort_waitgroup_add */
        if (counter_of(state) == 0)
            break;
        if (!cas_seq(word, state, state + 1))
            continue;
        if (waiters_of(state) ==
            0) /* the first to wait does, for ThreadSanitizer, what Add looks at */
            track_writes(&wg->sema_, sizeof wg->sema_);
        int64_t since = blocked_since();
        if (sema_acquire(&wg->sema_, SEMA_FIFO, WAIT_SEMACQUIRE))
            blocked_until_now(since, NULL);
        if (load_acq(word) != 0)
            panic_string("sync: WaitGroup is reused before previous Wait has returned");
        break;
    }
    track_acquire(word);
}
