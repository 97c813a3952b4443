/* cond_test.c: tickets, signals and broadcasts. */
#include "sync_support.h"

static gort_mutex mu;
static gort_cond cond;
static gort_waitgroup wg;
static uint32_t waiting, woken, order;

static void waiter(uint32_t id)
{
    gort_mutex_lock(&mu);
    waiting++;
    gort_cond_wait(&cond, &mu);
    waiting--;
    woken++;
    order = order * 10 + id;
    gort_mutex_unlock(&mu);
    gort_waitgroup_done(&wg);
}

/* As seen with the mutex held: whoever waits has let go of it. */
static uint32_t locked_read(const uint32_t *n)
{
    gort_mutex_lock(&mu);
    uint32_t v = *n;
    gort_mutex_unlock(&mu);
    return v;
}

static void start(uint32_t n)
{
    gort_waitgroup_add(&wg, (int)n);
    for (uint32_t i = 1; i <= n; i++) {
        gort_go(waiter, i);
        until(locked_read(&waiting) == i);
    }
}

/* How many are in the list: one that has its ticket may not be there yet. */
static uint32_t listed(void)
{
    struct lock *l = sema_lock_of(&cond);
    struct m *m = m_enter();
    uint32_t n = 0;
    lock(l);
    if (cond.first_ != NULL)
        n = cond.first_ == cond.last_ ? 1 : 2; /* or more */
    unlock(l);
    m_leave(m);
    return n;
}

static void nobody(void)
{
    gort_cond_signal(&cond);
    gort_cond_broadcast(&cond);
    cr_expect(cond.waits_ == 0 && cond.wakes_ == 0);
}

Test(cond, signals_to_nobody_are_lost)
{
    cr_assert(in_gort(nobody) == 0);
}

static void one_by_one(void)
{
    start(5);
    for (uint32_t i = 1; i <= 5; i++) {
        gort_cond_signal(&cond);
        until(locked_read(&woken) == i);
    }
    gort_waitgroup_wait(&wg);
    cr_expect(order == 12345, "%u", order);
    cr_expect(cond.first_ == NULL && cond.last_ == NULL && cond.waits_ == cond.wakes_);
}

Test(cond, the_longest_waiting_is_woken)
{
    cr_assert(in_gort(one_by_one) == 0);
}

static void all(void)
{
    start(9);
    gort_mutex_lock(&mu);
    gort_cond_broadcast(&cond);
    gort_mutex_unlock(&mu);
    gort_waitgroup_wait(&wg);
    cr_expect(woken == 9 && cond.first_ == NULL && cond.last_ == NULL);
}

Test(cond, broadcast_wakes_all)
{
    cr_assert(in_gort(all) == 0);
}

/* A signal for a ticket whose goroutine has not queued yet: it will not wait at all. And one from
 * the middle of the list. */
static void early(void)
{
    cond.waits_ = 1; /* somebody took ticket 0 and has not queued */
    start(2);        /* tickets 1 and 2 */
    until(listed() == 2);
    gort_cond_signal(&cond); /* for ticket 0 */
    cr_expect(cond.wakes_ == 1);
    gort_sleep(2000000);
    cr_expect(locked_read(&woken) == 0);
    cond.wakes_ = 2; /* out of order: the second of the list */
    gort_cond_signal(&cond);
    until(locked_read(&woken) == 1);
    cr_expect(order == 2 && cond.first_ == cond.last_ && cond.first_ != NULL);
    cond.wakes_ = 1;
    gort_cond_signal(&cond);
    gort_waitgroup_wait(&wg);
    cr_expect(cond.first_ == NULL && cond.last_ == NULL);

    cond.wakes_ = cond.waits_ + 1; /* as if signalled between unlock and queue */
    gort_mutex_lock(&mu);
    gort_cond_wait(&cond, &mu);
    gort_mutex_unlock(&mu);
    cond.wakes_ = cond.waits_;
}

Test(cond, a_signal_is_for_a_ticket)
{
    cr_assert(in_gort(early) == 0);
}

/* Tickets pass 2^32. */
static void wraps(void)
{
    cond.waits_ = cond.wakes_ = UINT32_MAX - 1;
    start(4);
    for (uint32_t i = 1; i <= 3; i++)
        gort_cond_signal(&cond);
    until(locked_read(&woken) == 3);
    gort_cond_broadcast(&cond);
    gort_waitgroup_wait(&wg);
    cr_expect(order == 1234 || woken == 4);
    cr_expect(cond.waits_ == 2 && cond.wakes_ == 2);
}

Test(cond, tickets_may_overflow)
{
    cr_assert(in_gort(wraps) == 0);
}

/* A bounded queue: nothing is lost. */
enum { ITEMS = 20000, ROOM = 4 };
static gort_cond not_full, not_empty;
static uint32_t in_queue, produced, consumed;

static void producer(void)
{
    for (;;) {
        gort_mutex_lock(&mu);
        while (in_queue == ROOM && produced < ITEMS)
            gort_cond_wait(&not_full, &mu);
        bool stop = produced == ITEMS;
        if (!stop) {
            produced++;
            in_queue++;
            gort_cond_signal(&not_empty);
        } else {
            gort_cond_broadcast(&not_full);
            gort_cond_broadcast(&not_empty);
        }
        gort_mutex_unlock(&mu);
        if (stop)
            break;
    }
    gort_waitgroup_done(&wg);
}

static void consumer(void)
{
    for (;;) {
        gort_mutex_lock(&mu);
        while (in_queue == 0 && consumed < ITEMS)
            gort_cond_wait(&not_empty, &mu);
        bool stop = in_queue == 0;
        if (!stop) {
            consumed++;
            in_queue--;
            gort_cond_signal(&not_full);
        }
        if (consumed == ITEMS) {
            gort_cond_broadcast(&not_empty);
            gort_cond_broadcast(&not_full);
        }
        gort_mutex_unlock(&mu);
        if (stop)
            break;
    }
    gort_waitgroup_done(&wg);
}

static void queue(void)
{
    gort_waitgroup_add(&wg, 12);
    for (int i = 0; i < 6; i++) {
        gort_go(producer);
        gort_go(consumer);
    }
    gort_waitgroup_wait(&wg);
    cr_expect(consumed == ITEMS && produced == ITEMS && in_queue == 0);
}

Test(cond, no_wake_up_is_lost)
{
    cr_assert(in_gort(queue) == 0);
}
