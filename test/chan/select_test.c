/* select_test.c: which case runs, and what happens to the others. */
#include "chan/chan.h"
#include "sched/sched.h"
#include "test/support.h"

#include <criterion/criterion.h>
#include <gort/go.h>
#include <gort/panic.h>
#include <stdlib.h>

static gort_chan *chans[4];
static int vals[4];
static gort_select_case cases[4];

static void four(size_t cap)
{
    for (int i = 0; i < 4; i++) {
        chans[i] = gort_make_chan(int, cap);
        cases[i] = GORT_RECV(chans[i], &vals[i]);
    }
}

static void check_all(void)
{
    for (int i = 0; i < 4; i++)
        INSIDE(chan_check(chans[i]));
}

static int waiters(gort_chan *c)
{
    int n = 0;
    lock(&c->lock);
    for (struct waiter *w = load_rlx(&c->receivers.first); w != NULL; w = w->next)
        n++;
    for (struct waiter *w = load_rlx(&c->senders.first); w != NULL; w = w->next)
        n++;
    unlock(&c->lock);
    return n;
}

static void await_waiters(gort_chan *c, int n)
{
    for (;;) {
        struct m *m = m_enter();
        int now = waiters(c);
        m_leave(m);
        if (now >= n)
            return;
        gort_gosched();
    }
}

static void none_ready(void)
{
    four(1);
    cr_expect_eq(gort_select_default(cases, 4), -1);
    cr_expect_eq(gort_select_default(cases, 0), -1);
    gort_select_case nils[] = {GORT_RECV(NULL, NULL), GORT_SEND(NULL, &vals[0])};
    cr_expect_eq(gort_select_default(nils, 2), -1);
    check_all();
}
Test(select, the_default_is_taken_when_none_is_ready)
{
    in_gort(none_ready);
}

static void one_ready(void)
{
    four(1);
    for (int i = 0; i < 100; i++) {
        int k = i % 4;
        gort_chan_send(chans[k], &i);
        cr_expect_eq(i % 8 < 4 ? gort_select(cases, 4) : gort_select_default(cases, 4), k);
        cr_expect_eq(vals[k], i);
    }
    check_all();
}
Test(select, the_only_ready_case_runs)
{
    in_gort(one_ready);
}

static void all_ready(void)
{
    int hits[4] = {0};
    four(1);
    for (int i = 0; i < 4; i++)
        gort_chan_send(chans[i], &i);
    for (int i = 0; i < 40000; i++) {
        int k = gort_select(cases, 4);
        hits[k]++;
        gort_chan_send(chans[k], &i);
    }
    for (int i = 0; i < 4; i++)
        cr_expect(hits[i] > 9500 && hits[i] < 10500, "case %d ran %d times", i, hits[i]);
}
Test(select, ready_cases_run_equally_often)
{
    in_gort(all_ready);
}

static void some_ready(void)
{
    int hits[4] = {0};
    four(1);
    gort_chan_send(chans[1], &(int){1});
    gort_chan_send(chans[3], &(int){3});
    for (int i = 0; i < 20000; i++) {
        int k = gort_select_default(cases, 4);
        hits[k]++;
        gort_chan_send(chans[k], &i);
    }
    cr_expect_eq(hits[0] + hits[2], 0);
    cr_expect(hits[1] > 9500 && hits[1] < 10500);
}
Test(select, two_ready_of_four_share_evenly)
{
    in_gort(some_ready);
}

static void send_cases(void)
{
    gort_chan *c = gort_make_chan(int, 1);
    int v = 9;
    bool ok = false;
    gort_select_case k[] = {GORT_SEND(c, &v), GORT_RECV_OK(c, &vals[0], &ok)};
    cr_expect_eq(gort_select(k, 2), 0);
    cr_expect_eq(gort_chan_len(c), 1);
    cr_expect_eq(gort_select(k, 2), 1);
    cr_expect(ok);
    cr_expect_eq(vals[0], 9);
    INSIDE(chan_check(c));
}
Test(select, sends_and_receives_on_the_same_channel)
{
    in_gort(send_cases);
}

static void closed_recv(void)
{
    bool ok = true;
    four(0);
    gort_chan_close(chans[2]);
    vals[2] = 8;
    cases[2] = GORT_RECV_OK(chans[2], &vals[2], &ok);
    cr_expect_eq(gort_select(cases, 4), 2);
    cr_expect_not(ok);
    cr_expect_eq(vals[2], 0);
    ok = true;
    cr_expect_eq(gort_select_default(cases, 4), 2);
    cr_expect_not(ok);
}
Test(select, a_closed_channel_is_ready)
{
    in_gort(closed_recv);
}

static gort_chan *target;
static void send_later(intptr_t v)
{
    await_waiters(target, 1);
    gort_chan_send(target, &(int){(int)v});
}
static void recv_later(void)
{
    await_waiters(target, 1);
    gort_chan_recv(target, &vals[0]);
}
static void close_later(void)
{
    await_waiters(target, 1);
    gort_chan_close(target);
}

static void blocking(void)
{
    four(0);
    for (int i = 0; i < 200; i++) {
        target = chans[i % 4];
        gort_go(send_later, (intptr_t)i);
        cr_expect_eq(gort_select(cases, 4), i % 4);
        cr_expect_eq(vals[i % 4], i);
        check_all();
        for (int j = 0; j < 4; j++)
            cr_expect_null(load_rlx(&chans[j]->receivers.first));
    }
}
Test(select, a_waiting_select_is_served_and_leaves_all_queues)
{
    in_gort(blocking);
}

static void blocking_send(void)
{
    int v = 77;
    four(0);
    target = chans[3];
    cases[3] = GORT_SEND(target, &v);
    gort_go(recv_later);
    cr_expect_eq(gort_select(cases, 4), 3);
    while (vals[0] != 77)
        gort_gosched();
    check_all();
}
Test(select, a_waiting_select_sends)
{
    in_gort(blocking_send);
}

static void blocking_closed(void)
{
    bool ok = true;
    four(0);
    target = chans[1];
    cases[1] = GORT_RECV_OK(target, &vals[1], &ok);
    vals[1] = 5;
    gort_go(close_later);
    cr_expect_eq(gort_select(cases, 4), 1);
    cr_expect_not(ok);
    cr_expect_eq(vals[1], 0);
    check_all();
}
Test(select, closing_wakes_a_waiting_select)
{
    in_gort(blocking_closed);
}

static void select_four(void *arg)
{
    (void)arg;
    gort_select(cases, 4);
}
static void select_four_default(void *arg)
{
    (void)arg;
    gort_select_default(cases, 4);
}
static void select_too_many(void *arg)
{
    (void)arg;
    gort_select(cases, 65537);
}

static void panics(void)
{
    int v = 1;
    gort_any e;
    four(0);
    target = chans[0];
    cases[0] = GORT_SEND(target, &v);
    gort_go(close_later);
    cr_expect(gort_try(select_four, NULL, &e));
    cr_expect_str_eq(gort_error_string(e), "send on closed channel");
    cr_expect(gort_try(select_four, NULL, &e));
    cr_expect(gort_try(select_four_default, NULL, &e));
    cr_expect_str_eq(gort_error_string(e), "send on closed channel");
    cr_expect(gort_try(select_too_many, NULL, &e));
    check_all();
}
Test(select, a_send_on_a_closed_channel_panics)
{
    in_gort(panics);
}

static void repeated(void)
{
    int a = 0, b = 0;
    gort_chan *c = gort_make_chan(int, 0);
    gort_select_case k[] = {GORT_RECV(c, &a), GORT_RECV(NULL, NULL), GORT_RECV(c, &b)};
    target = c;
    for (int i = 1; i < 50; i++) {
        gort_go(send_later, (intptr_t)i);
        int pick = gort_select(k, 3);
        cr_expect(pick == 0 ? a == i : b == i);
        INSIDE(chan_check(c));
        cr_expect_null(load_rlx(&c->receivers.first));
    }
}
Test(select, the_same_channel_may_occur_twice)
{
    in_gort(repeated);
}

static void many_cases(void)
{
    for (int n = 1; n <= 3000; n = n * 3 + 1) {
        gort_select_case *k = calloc((size_t)n, sizeof *k);
        gort_chan **cs = calloc((size_t)n, sizeof *cs);
        int v = 0;
        for (int i = 0; i < n; i++) {
            cs[i] = gort_make_chan(int, 0);
            k[i] = GORT_RECV(cs[i], &v);
        }
        for (int i = 0; i < n; i++) { /* not in the order of their addresses */
            int j = rand() % n;
            gort_select_case t = k[i];
            k[i] = k[j];
            k[j] = t;
        }
        int which = rand() % n;
        target = k[which].chan;
        gort_go(send_later, (intptr_t)n);
        cr_expect_eq(gort_select(k, n), which);
        cr_expect_eq(v, n);
        cr_expect_eq(gort_select_default(k, n), -1);
        for (int i = 0; i < n; i++)
            INSIDE(chan_check(cs[i]));
        free(k);
        free(cs);
    }
}
Test(select, any_number_of_cases)
{
    in_gort(many_cases);
}

/* Two selects wait for each other's channels; a decided one must not be served twice. */
static gort_chan *results;
static void select_both(void)
{
    int v;
    gort_select_case k[] = {GORT_RECV(chans[0], &v), GORT_RECV(chans[1], &v)};
    gort_select(k, 2);
    gort_chan_send(results, &v);
}
static void send_to(intptr_t i)
{
    gort_chan_send(chans[i], &(int){(int)i});
}
static void decided(void)
{
    four(0);
    results = gort_make_chan(int, 8);
    for (int round = 0; round < 300; round++) {
        gort_go(select_both);
        gort_go(select_both);
        gort_go(send_to, (intptr_t)0);
        gort_go(send_to, (intptr_t)1);
        int a, b;
        gort_chan_recv(results, &a);
        gort_chan_recv(results, &b);
        cr_expect_eq(a + b, 1);
        check_all();
    }
}
Test(select, each_element_goes_to_one_select)
{
    in_gort(decided);
}

/* An element walks from one channel to the other and back, its copy always before it: at every
 * moment one of them has it, so no select may find both empty. The third case is never ready. */
static bool stop;
static void walker(void)
{
    int v;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        gort_chan_send(chans[1], &v); /* the copy comes before the original goes */
        gort_chan_recv(chans[0], &v);
        gort_chan_send(chans[0], &v);
        gort_chan_recv(chans[1], &v);
    }
}
static void watcher(void)
{
    int v = 1, missed = 0;
    for (int i = 0; i < 2; i++)
        chans[i] = gort_make_chan(int, 4);
    gort_chan *full = gort_make_chan(int, 1);
    gort_chan_send(full, &v);
    gort_chan_send(chans[0], &v);
    gort_go(walker);
    for (int i = 0; i < 20000; i++) {
        gort_select_case k[] = {GORT_RECV(chans[0], &v), GORT_RECV(chans[1], &v),
                                GORT_SEND(full, &v)};
        int pick = gort_select_default(k, 3);
        if (pick < 0)
            missed++;
        else
            gort_chan_send(chans[pick], &v);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    cr_expect_eq(missed, 0);
}
Test(select, an_element_that_moves_is_not_overlooked)
{
    in_gort(watcher);
}
