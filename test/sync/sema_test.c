/* sema_test.c: the table of waiting goroutines: its tree and its queues. */
#include "sync_support.h"

#include "base/rand.h"

enum { MANY = 3000 };
static uint32_t words[MANY];
static au32 through, order[64], places, norder;

static void waiter(uint32_t *w)
{
    sema_acquire(w, SEMA_FIFO, WAIT_SEMACQUIRE);
    add_seq(&through, 1u);
}

static void numbered(uint32_t *w, uint32_t id, int lifo)
{
    sema_acquire(w, lifo ? SEMA_LIFO : SEMA_FIFO, WAIT_SEMACQUIRE);
    store_seq(&order[add_seq(&places, 1u)], id);
    add_seq(&norder, 1u); /* when it is written */
}

static void counts(void)
{
    uint32_t w = 2;
    cr_expect(sema_tryacquire(&w));
    sema_acquire(&w, SEMA_FIFO, WAIT_SEMACQUIRE);
    cr_expect(w == 0);
    cr_expect(!sema_tryacquire(&w));
    sema_release(&w, SEMA_WAKE);
    sema_release(&w, SEMA_HANDOFF);
    cr_expect(w == 2);
    sema_release_many(&w, 0);
    sema_release_many(&w, 1);
    sema_release_many(&w, 5);
    cr_expect(w == 8);
    sema_check();
}

Test(sema, a_counter_that_is_positive_is_taken_without_waiting)
{
    cr_assert(in_gort(counts) == 0);
}

static void start_in_order(uint32_t *w, uint32_t n, int lifo)
{
    store_seq(&places, 0u);
    store_seq(&norder, 0u);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t before = sema_waiters(w);
        gort_go(numbered, w, i, lifo);
        until(sema_waiters(w) == before + 1);
    }
    sema_check();
}

static void queues(void)
{
    static uint32_t w;
    start_in_order(&w, 10, 0);
    for (uint32_t i = 0; i < 10; i++) {
        sema_release(&w, i % 2 ? SEMA_WAKE : SEMA_HANDOFF);
        until(load_seq(&norder) == i + 1);
        cr_expect(load_seq(&order[i]) == i);
        sema_check();
    }
    start_in_order(&w, 10, 1);
    for (uint32_t i = 0; i < 10; i++) {
        sema_release(&w, SEMA_WAKE);
        until(load_seq(&norder) == i + 1);
        cr_expect(load_seq(&order[i]) == 9 - i);
        sema_check();
    }
}

Test(sema, waiters_are_served_in_order_and_lifo_ones_first)
{
    cr_assert(in_gort(queues) == 0);
}

static void at_once(void)
{
    static uint32_t w;
    start_in_order(&w, 20, 0);
    sema_release_many(&w, 7);
    until(load_seq(&norder) == 7);
    cr_expect(sema_waiters(&w) == 13);
    sema_check();
    sema_release_many(&w, 15);
    until(load_seq(&norder) == 20);
    cr_expect(w == 2);
    sema_check();
}

Test(sema, many_are_released_at_once)
{
    cr_assert(in_gort(at_once) == 0);
}

static uint32_t all_waiters(void)
{
    uint32_t n = 0;
    for (int i = 0; i < MANY; i++)
        n += sema_waiters(&words[i]);
    return n;
}

/* Several waiters on each of many addresses, released in random order: the tree loses nobody. */
static void tree(void)
{
    uint64_t rand = 12345;
    store_seq(&through, 0u);
    for (uint32_t i = 0; i < MANY; i++)
        gort_go(waiter, &words[i]);
    for (uint32_t i = 0; i < MANY / 2; i++)
        gort_go(waiter, &words[rand_below(&rand, MANY / 10)]);
    until(all_waiters() == MANY + MANY / 2);
    sema_check();
    uint32_t released = 0;
    while (released < MANY + MANY / 2) {
        uint32_t i = rand_below(&rand, MANY);
        for (uint32_t k = 0; k < MANY && sema_waiters(&words[i]) == 0; k++)
            i = i + 1 == MANY ? 0 : i + 1;
        sema_release(&words[i], rand_below(&rand, 2) ? SEMA_WAKE : SEMA_HANDOFF);
        released++;
        if (released % 64 == 0)
            sema_check();
        if (released % 8 == 0) { /* who is woken takes what it was woken for */
            uint32_t want = released;
            until(load_seq(&through) >= want);
        }
    }
    until(load_seq(&through) == MANY + MANY / 2);
    sema_check();
    for (uint32_t i = 0; i < MANY; i++)
        cr_expect(words[i] == 0);
}

Test(sema, the_tree_of_addresses_loses_nobody, .timeout = 120)
{
    cr_assert(in_gort(tree) == 0);
}

static gort_sema permits = GORT_SEMA_INIT(3);
static au32 inside, most;

static void user(void)
{
    for (int i = 0; i < 200; i++) {
        gort_sema_acquire(&permits);
        uint32_t n = add_seq(&inside, 1u) + 1;
        if (n > load_seq(&most))
            store_seq(&most, n);
        if (i % 10 == 0)
            gort_gosched();
        sub_seq(&inside, 1u);
        gort_sema_release(&permits);
    }
    add_seq(&through, 1u);
}

static void public_semaphore(void)
{
    store_seq(&through, 0u);
    for (int i = 0; i < 20; i++)
        gort_go(user);
    until(load_seq(&through) == 20);
    cr_expect(load_seq(&most) <= 3 && load_seq(&most) >= 1);
    cr_expect(permits.permits_ == 3);
    cr_expect(gort_sema_tryacquire(&permits) && gort_sema_tryacquire(&permits) &&
              gort_sema_tryacquire(&permits) && !gort_sema_tryacquire(&permits));
    sema_check();
}

Test(sema, never_more_inside_than_permits)
{
    cr_assert(in_gort(public_semaphore) == 0);
}
