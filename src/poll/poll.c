/* poll.c: the states of one direction of a descriptor.
 *
 * Owns    pollfd_state.side and the count of waiters.
 * Holds   1. At most one waiter per direction at a time: io serialises readers and writers.
 *         2. A waiter pointer is taken out by exactly one of edge, unblock; the taker readies it.
 * Locks   none: each move is one compare-and-swap.
 * Order   begin_wait's swap to PREPARED is seq_cst and comes before the waiter's look at its
 *         deadline and closing flags; unblock comes after those flags were stored, seq_cst too. So
 *         at least one side sees the other, and commit_wait fails when the flag was missed.
 * Instead of a lock per descriptor: edges arrive for thousands of descriptors in one batch.
 */
#include "poll/poll.h"
#include "base/check.h"

static au32 waiters;

static bool is_waiter(const void *p)
{
    return (uintptr_t)p > (uintptr_t)POLL_IS_PREPARED;
}

void poll_clear(struct pollfd_state *s, enum poll_mode mode)
{
    if (load_acq(&s->side[mode]) == POLL_IS_READY)
        (void)cas_seq(&s->side[mode], POLL_IS_READY, NULL);
}

bool poll_begin_wait(struct pollfd_state *s, enum poll_mode mode)
{
    for (;;) {
        void *old = load_acq(&s->side[mode]);
        if (old == POLL_IS_READY) {
            if (cas_acq_rel(&s->side[mode], POLL_IS_READY, NULL)) /* pairs with poll_edge */
                return false;
        } else if (old == NULL) {
            if (cas_seq(&s->side[mode], NULL, POLL_IS_PREPARED)) /* pairs with poll_unblock */
                return true;
        } else {
            throw("poll: two waiters in one direction");
        }
    }
}

bool poll_commit_wait(struct pollfd_state *s, enum poll_mode mode, void *waiter)
{
    /* Counted first, so that a sleeper is never published uncounted. */
    add_seq(&waiters, 1u);
    if (cas_acq_rel(&s->side[mode], POLL_IS_PREPARED, waiter)) /* pairs with take_waiter */
        return true;
    sub_seq(&waiters, 1u);
    return false;
}

bool poll_end_wait(struct pollfd_state *s, enum poll_mode mode)
{
    void *old = swap_acq_rel(&s->side[mode], NULL);
    CHECK(!is_waiter(old)); /* 2: whoever woke us has taken the pointer out */
    return old == POLL_IS_READY;
}

/* Leaves `after` behind and returns the waiter that was there. */
static void *take_waiter(struct pollfd_state *s, enum poll_mode mode, void *after)
{
    for (;;) {
        void *old = load_seq(&s->side[mode]);
        if (old == POLL_IS_READY || old == after)
            return NULL;                          /* an edge outlives an unblock */
        if (!cas_seq(&s->side[mode], old, after)) /* pairs with commit_wait */
            continue;
        if (!is_waiter(old))
            return NULL;
        sub_seq(&waiters, 1u);
        return old;
    }
}

void *poll_unblock(struct pollfd_state *s, enum poll_mode mode)
{
    return take_waiter(s, mode, NULL);
}

void *poll_edge(struct pollfd_state *s, enum poll_mode mode)
{
    return take_waiter(s, mode, POLL_IS_READY);
}

uint32_t poll_waiters(void)
{
    return load_seq(&waiters);
}

void poll_check(const struct pollfd_state *s)
{
    const void *r = load_acq(&s->side[POLL_READ]), *w = load_acq(&s->side[POLL_WRITE]);
    CHECK(!is_waiter(r) || r != w); /* one goroutine waits for one thing */
}
