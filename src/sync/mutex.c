/* mutex.c: mutual exclusion.
 *
 * Owns    gort_mutex. Its state is three bits and the number of goroutines that wait:
 *
 *           LOCKED    somebody holds it
 *           WOKEN     a waiter is awake and will try: an unlock need not wake another
 *           STARVING  only the first waiter may have it
 *           >> SHIFT  waiters, each on the semaphore
 *
 * In normal mode a waiter that is woken competes with those who just come, and these, being on a
 * processor already, mostly win: fast, but not fair. A waiter that has lost for STARVING_NS sets
 * STARVING; then an unlock hands the mutex, and the processor, to the first waiter, and who comes
 * queues. Normal mode is back when the first waiter is the last, or came less than STARVING_NS ago.
 *
 * Holds   1. STARVING only with waiters. While it is set, nobody gets the mutex by setting LOCKED,
 *            except the waiter that was handed it.
 *         2. WOKEN and STARVING are not set together by an unlock.
 *         3. An unlock changes the state by one compare-and-swap. After it, it touches the mutex
 *            only to wake a goroutine that cannot return before that; so who holds the last
 *            reference may free a mutex after locking and unlocking it.
 * Order   who locks acquires what the last unlock released: by `state_`, or by the semaphore.
 * Instead of a subtraction first and a look at the rest after, as Go has it: invariant 3. A
 *         collector makes it unnecessary, but in C a mutex often lies inside what it protects.
 */
#include "sync/blocked.h"
#include "sync/sync.h"

#include "base/track.h"

enum { LOCKED = 1, WOKEN = 2, STARVING = 4, SHIFT = 3, WAITER = 1 << SHIFT };
enum { STARVING_NS = 1000000, SPIN_PAUSES = 30 };

/* One goroutine on its way into the mutex. */
struct locker {
    int64_t since_ns; /* when it began to wait; 0: not yet */
    int64_t blocked;  /* the same for the block profile */
    int rounds;       /* of spinning */
    bool parked;
    bool starving;
    bool awake; /* it has set, or was woken with, WOKEN */
};

/* True if it spun: the mutex is worth another look. Spinning pays off when the holder runs on
 * another processor; WOKEN keeps the holder from waking somebody else meanwhile. */
static bool spin(au32 *state, uint32_t old, struct locker *l)
{
    struct m *m = m_enter();
    bool can = sched_can_spin(l->rounds);
    m_leave(m);
    if (!can)
        return false;
    if (!l->awake && (old & WOKEN) == 0 && old >> SHIFT != 0 && cas_acq(state, old, old | WOKEN))
        l->awake = true;
    cpu_relax(SPIN_PAUSES);
    l->rounds++;
    return true;
}

/* What the state becomes when `l` takes the mutex, or else queues. */
static uint32_t state_after(uint32_t old, const struct locker *l)
{
    uint32_t next = old;
    if ((old & STARVING) == 0)
        next |= LOCKED;
    if ((old & (LOCKED | STARVING)) != 0)
        next += WAITER;
    if (l->starving && (old & LOCKED) != 0)
        next |= STARVING;
    if (l->awake) {
        if ((old & WOKEN) == 0)
            throw("sync: inconsistent mutex state");
        next &= ~(uint32_t)WOKEN;
    }
    return next;
}

/* The mutex was handed to us: it is not locked, and nobody else may. */
static void take_over(au32 *state, uint32_t old, const struct locker *l)
{
    if ((old & (LOCKED | WOKEN)) != 0 || old >> SHIFT == 0)
        throw("sync: inconsistent mutex state");
    uint32_t change = WAITER - LOCKED;
    if (!l->starving || old >> SHIFT == 1)
        change += STARVING;
    sub_seq(state, change); /* pairs with the unlock that handed it over */
}

void gort_mutex_lock_slow(gort_mutex *mu)
{
    au32 *state = sync_u32(&mu->state_);
    struct locker l = {0};
    for (;;) {
        uint32_t old = load_rlx(state);
        if ((old & (LOCKED | STARVING)) == LOCKED && spin(state, old, &l))
            continue;
        if (!cas_acq(state, old, state_after(old, &l))) /* pairs with the unlock */
            continue;
        if ((old & (LOCKED | STARVING)) == 0)
            break;
        enum sema_order order = l.since_ns != 0 ? SEMA_LIFO : SEMA_FIFO;
        if (l.since_ns == 0) {
            l.since_ns = os_nanotime();
            l.blocked = blocked_since();
        }
        l.parked |= sema_acquire(&mu->sema_, order, WAIT_MUTEX);
        l.starving = l.starving || os_nanotime() - l.since_ns > STARVING_NS;
        old = load_rlx(state);
        if ((old & STARVING) != 0) {
            take_over(state, old, &l);
            break;
        }
        l.awake = true;
        l.rounds = 0;
    }
    if (l.parked)
        blocked_until_now(l.blocked, __builtin_return_address(0));
    track_acquire(state);
}

void gort_mutex_unlock_slow(gort_mutex *mu)
{
    au32 *state = sync_u32(&mu->state_);
    track_release(state);
    for (;;) {
        uint32_t old = load_rlx(state);
        uint32_t next = old & ~(uint32_t)LOCKED;
        if ((old & LOCKED) == 0)
            fatal("sync: unlock of unlocked mutex");
        bool starving = (old & STARVING) != 0;
        bool wake = !starving && (old & WOKEN) == 0 && old >> SHIFT != 0;
        if (wake)
            next = (next - WAITER) | WOKEN;
        if (!cas_rel(state, old, next)) /* pairs with who locks next */
            continue;
        if (starving || wake)
            contended(sema_release(&mu->sema_, starving ? SEMA_HANDOFF : SEMA_WAKE),
                      __builtin_return_address(0));
        return;
    }
}

bool gort_mutex_trylock(gort_mutex *mu)
{
    au32 *state = sync_u32(&mu->state_);
    uint32_t old = load_rlx(state);
    if ((old & (LOCKED | STARVING)) != 0 || !cas_acq(state, old, old | LOCKED))
        return false;
    track_acquire(state);
    return true;
}
