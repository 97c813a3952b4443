/* cond.c: waiting for a condition.
 *
 * Owns    gort_cond: a list of waiting goroutines, and two counters. A wait takes the next ticket
 *         from `waits_` while it still holds the mutex, and queues after it has let go of it; a
 *         signal is for the ticket `wakes_`, whether that goroutine has queued yet or not.
 * Holds   1. wakes_ runs behind waits_, modulo 2^32: tickets before it have been woken.
 *         2. Each queued waiter's ticket is not before wakes_.
 * Locks   that of the condition's address in the semaphore table (sema.c), since a zero condition
 *         has no place for a ranked lock.
 * Order   waits_ grows before the mutex is released, so a signal sent under the mutex finds the
 *         ticket.
 * Instead of a plain queue: without tickets a goroutine that begins to wait after a signal could
 *         take it from the one it was meant for.
 */
#include "sync/blocked.h"
#include "sync/sync.h"

#include "base/track.h"

/* On the stack of the goroutine that waits. */
struct cond_waiter {
    struct g *g;
    struct cond_waiter *next;
    uint32_t ticket;
};

/* Is ticket a before b? They are less than 2^31 apart. */
static bool before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

PARKS static void wait_turn(gort_cond *c, uint32_t ticket) NO_TSA
{
    struct lock *l = sema_lock_of(c);
    struct m *m = m_enter();
    struct cond_waiter w = {.g = m_curg(m), .ticket = ticket};
    lock(l);
    if (before(ticket, load_rlx(sync_u32(&c->wakes_)))) {
        unlock(l);
        m_leave(m);
        track_acquire(c);
        return;
    }
    if (c->last_ == NULL)
        c->first_ = &w;
    else
        ((struct cond_waiter *)c->last_)->next = &w;
    c->last_ = &w;
    int64_t since = blocked_since();
    w.g->param = c;
    park_unlock(l, WAIT_COND);
    w.g->param = NULL;
    blocked_until_now(since, NULL);
    m_leave(self());
    track_acquire(c);
}

void gort_cond_wait(gort_cond *c, gort_mutex *m)
{
    uint32_t ticket = add_seq(sync_u32(&c->waits_), 1u);
    track_release(&m->state_);
    gort_mutex_unlock(m);
    wait_turn(c, ticket);
    gort_mutex_lock(m);
    track_acquire(&m->state_);
}

static bool nobody_waits(gort_cond *c)
{
    return load_seq(sync_u32(&c->waits_)) == load_seq(sync_u32(&c->wakes_));
}

/* Takes out the waiter with this ticket; NULL: it has not queued yet, and will not wait. The list
 * is nearly in order, so that it is one of the first. */
static struct cond_waiter *take_out(gort_cond *c, uint32_t ticket)
{
    struct cond_waiter *prev = NULL, *w = c->first_;
    while (w != NULL && w->ticket != ticket) {
        prev = w;
        w = w->next;
    }
    if (w == NULL)
        return NULL;
    if (prev == NULL)
        c->first_ = w->next;
    else
        prev->next = w->next;
    if (c->last_ == w)
        c->last_ = prev;
    return w;
}

void gort_cond_signal(gort_cond *c)
{
    track_release(c);
    if (nobody_waits(c))
        return;
    struct lock *l = sema_lock_of(c);
    struct m *m = m_enter();
    struct cond_waiter *w = NULL;
    lock(l);
    uint32_t ticket = load_rlx(sync_u32(&c->wakes_));
    if (ticket != load_rlx(sync_u32(&c->waits_))) {
        store_seq(sync_u32(&c->wakes_), ticket + 1);
        w = take_out(c, ticket);
    }
    unlock(l);
    if (w != NULL)
        ready(w->g);
    m_leave(m);
}

void gort_cond_broadcast(gort_cond *c)
{
    track_release(c);
    if (nobody_waits(c))
        return;
    struct lock *l = sema_lock_of(c);
    struct m *m = m_enter();
    lock(l);
    struct cond_waiter *w = c->first_;
    c->first_ = c->last_ = NULL;
    store_seq(sync_u32(&c->wakes_), load_seq(sync_u32(&c->waits_)));
    unlock(l);
    for (struct cond_waiter *next; w != NULL; w = next) {
        next = w->next; /* its goroutine may be gone in a moment */
        ready_tail(w->g);
    }
    m_leave(m);
}
