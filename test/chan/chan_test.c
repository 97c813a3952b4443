/* chan_test.c: channels, every branch of send, receive and close. */
#include "chan/chan.h"
#include "sched/sched.h"
#include "test/support.h"

#include <criterion/criterion.h>
#include <gort/go.h>
#include <gort/mem.h>
#include <gort/panic.h>

static gort_chan *c;
static int got[16];
static bool oks[16];
static au32 places, ngot;

static void await_received(uint32_t n)
{
    while (load_acq(&ngot) < n)
        gort_gosched();
}

static void sender(intptr_t v)
{
    int x = (int)v;
    gort_chan_send(c, &x);
}

static void receiver(void)
{
    int x = -1;
    bool ok = gort_chan_recv(c, &x);
    uint32_t place = add_rlx(&places, 1u);
    oks[place] = ok;
    got[place] = x;
    add_acq_rel(&ngot, 1u); /* pairs with await_received */
}

static int waiting(struct waitq *q)
{
    int n = 0;
    for (struct waiter *w = load_rlx(&q->first); w != NULL; w = w->next)
        n++;
    return n;
}

static void buffer(void)
{
    c = gort_make_chan(int, 3);
    cr_expect_eq(gort_chan_cap(c), 3);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            cr_expect(gort_chan_try_send(c, &(int){round * 10 + i}));
        cr_expect_not(gort_chan_try_send(c, &(int){99}));
        cr_expect_eq(gort_chan_len(c), 3);
        INSIDE(chan_check(c));
        for (int i = 0; i < 3; i++) {
            int v;
            cr_expect(gort_chan_recv(c, &v));
            cr_expect_eq(v, round * 10 + i);
            INSIDE(chan_check(c));
        }
        bool received = true;
        cr_expect_not(gort_chan_try_recv(c, NULL, &received));
        cr_expect_not(received);
    }
}
Test(chan, a_buffer_keeps_the_order_and_its_limit)
{
    in_gort(buffer);
}

static void unbuffered_receiver_first(void)
{
    c = gort_make_chan(int, 0);
    gort_go(receiver);
    while (waiting(&c->receivers) == 0)
        gort_gosched();
    INSIDE(chan_check(c));
    gort_chan_send(c, &(int){7});
    await_received(1);
    cr_expect_eq(got[0], 7);
    cr_expect(oks[0]);
    cr_expect_eq(gort_chan_len(c), 0);
}
Test(chan, a_sender_serves_a_waiting_receiver)
{
    in_gort(unbuffered_receiver_first);
}

static void senders_in_order(void)
{
    for (int cap = 0; cap < 3; cap++) {
        c = gort_make_chan(int, (size_t)cap);
        for (int i = 0; i < 5; i++) {
            gort_go(sender, (intptr_t)i);
            while (gort_chan_len(c) + (size_t)waiting(&c->senders) <= (size_t)i)
                gort_gosched();
        }
        cr_expect_eq(waiting(&c->senders), 5 - cap);
        INSIDE(chan_check(c));
        for (int i = 0; i < 5; i++) {
            int v;
            cr_expect(gort_chan_recv(c, &v));
            cr_expect_eq(v, i);
            INSIDE(chan_check(c));
        }
    }
}
Test(chan, waiting_senders_are_served_first_come_first_served)
{
    in_gort(senders_in_order);
}

static void null_elem(void)
{
    c = gort_make_chan(int, 1);
    gort_chan_send(c, &(int){1});
    cr_expect(gort_chan_recv(c, NULL));
    gort_go(sender, (intptr_t)1);
    while (gort_chan_len(c) == 0)
        gort_gosched();
    gort_go(sender, (intptr_t)2);
    while (waiting(&c->senders) == 0)
        gort_gosched();
    cr_expect(gort_chan_recv(c, NULL));
    int v;
    cr_expect(gort_chan_recv(c, &v));
    cr_expect_eq(v, 2);
}
Test(chan, a_receive_may_drop_the_element)
{
    in_gort(null_elem);
}

static void closed(void)
{
    int v = 5;
    bool received = true;
    c = gort_make_chan(int, 2);
    gort_chan_send(c, &(int){1});
    gort_chan_close(c);
    cr_expect(gort_chan_recv(c, &v));
    cr_expect_eq(v, 1);
    cr_expect_not(gort_chan_recv(c, &v));
    cr_expect_eq(v, 0);
    v = 5;
    cr_expect(gort_chan_try_recv(c, &v, &received));
    cr_expect_not(received);
    cr_expect_eq(v, 0);
    cr_expect_not(gort_chan_recv(c, NULL));
    INSIDE(chan_check(c));
}
Test(chan, a_closed_channel_drains_and_then_yields_zero)
{
    in_gort(closed);
}

static void close_wakes(void)
{
    c = gort_make_chan(int, 0);
    for (int i = 0; i < 3; i++)
        gort_go(receiver);
    while (waiting(&c->receivers) < 3)
        gort_gosched();
    gort_chan_close(c);
    await_received(3);
    for (int i = 0; i < 3; i++)
        cr_expect(!oks[i] && got[i] == 0);
}
Test(chan, close_wakes_all_receivers_with_zero)
{
    in_gort(close_wakes);
}

static const char *panic_of(void (*fn)(void *), void *arg)
{
    gort_any v;
    return gort_try(fn, arg, &v) ? gort_error_string(v) : NULL;
}

static void do_close(void *arg)
{
    gort_chan_close(arg);
}
static void do_send(void *arg)
{
    gort_chan_send(arg, &(int){1});
}
static void do_try_send(void *arg)
{
    gort_chan_try_send(arg, &(int){1});
}
static void do_make(void *arg)
{
    (void)gort_make_chan(int64_t, (size_t)arg);
}

static const char *woken_with;
static void blocked_sender(void)
{
    woken_with = panic_of(do_send, c);
}

static void panics(void)
{
    c = gort_make_chan(int, 0);
    gort_go(blocked_sender);
    while (waiting(&c->senders) == 0)
        gort_gosched();
    gort_chan_close(c);
    while (woken_with == NULL)
        gort_gosched();
    cr_expect_str_eq(woken_with, "send on closed channel");
    cr_expect_str_eq(panic_of(do_close, c), "close of closed channel");
    cr_expect_str_eq(panic_of(do_close, NULL), "close of nil channel");
    cr_expect_str_eq(panic_of(do_send, c), "send on closed channel");
    cr_expect_str_eq(panic_of(do_try_send, c), "send on closed channel");
    cr_expect_str_eq(panic_of(do_make, (void *)-1), "makechan: size out of range");
    cr_expect_str_eq(panic_of(do_make, (void *)((size_t)1 << 46)), "makechan: size out of range");
    INSIDE(chan_check(c));
}
Test(chan, misuse_panics_in_the_words_of_go)
{
    in_gort(panics);
}

static void nil(void)
{
    bool received = true;
    cr_expect_eq(gort_chan_len(NULL), 0);
    cr_expect_eq(gort_chan_cap(NULL), 0);
    cr_expect_not(gort_chan_try_send(NULL, &(int){1}));
    cr_expect_not(gort_chan_try_recv(NULL, NULL, &received));
    cr_expect_not(received);
    cr_expect_not(gort_chan_try_recv(NULL, NULL, NULL));
}
Test(chan, a_nil_channel_is_never_ready)
{
    in_gort(nil);
}

struct big {
    char b[4000];
};
typedef struct big big;
typedef struct {
    char b[3];
} odd;
typedef struct {
    uint64_t w[2];
} pair;
typedef struct {
} nothing;

#define ROUND_TRIP(T)                                                                              \
    do {                                                                                           \
        T in, out;                                                                                 \
        memset(&in, 0x5a, sizeof in);                                                              \
        memset(&out, 0, sizeof out);                                                               \
        gort_chan *k = gort_make_chan(T, 2);                                                       \
        gort_chan_send(k, &in);                                                                    \
        gort_chan_send(k, &in);                                                                    \
        cr_expect(gort_chan_recv(k, &out));                                                        \
        cr_expect_eq(memcmp(&in, &out, sizeof in), 0);                                             \
        INSIDE(chan_check(k));                                                                     \
        gort_chan_close(k);                                                                        \
        cr_expect(gort_chan_recv(k, &out));                                                        \
        cr_expect_not(gort_chan_recv(k, &out));                                                    \
    } while (0)

static void sizes(void)
{
    ROUND_TRIP(char);
    ROUND_TRIP(int);
    ROUND_TRIP(int64_t);
    ROUND_TRIP(pair);
    ROUND_TRIP(odd);
    ROUND_TRIP(big);
    gort_chan *k = gort_make_chan(nothing, 5);
    nothing n;
    for (int i = 0; i < 5; i++)
        cr_expect(gort_chan_try_send(k, &n));
    cr_expect_not(gort_chan_try_send(k, &n));
    for (int i = 0; i < 5; i++)
        cr_expect(gort_chan_recv(k, &n));
    cr_expect_not(gort_chan_try_recv(k, &n, NULL));
}
Test(chan, elements_of_all_sizes_arrive)
{
    in_gort(sizes);
}

typedef struct {
    void *p;
    int n;
} holder;

static void pointers(void)
{
    c = gort_make_chan(holder, 4);
    cr_expect(c->has_pointers);
    holder h = {gort_alloc(16), 3}, out;
    for (int i = 0; i < 10; i++) {
        gort_chan_send(c, &h);
        gort_chan_recv(c, &out);
        cr_expect_eq(out.p, h.p);
        INSIDE(chan_check(c)); /* received slots are zero */
    }
}
Test(chan, the_buffer_forgets_pointers_that_were_received)
{
    in_gort(pointers);
}

static void compiled_go(void)
{
    c = gort_make_chan(int, 6);
    gort_chan_send(c, &(int){1});
    const uint64_t *words = (const uint64_t *)(const void *)c;
    cr_expect_eq(words[0], 1);
    cr_expect_eq(words[1], 6);
}
Test(chan, compiled_go_finds_length_and_capacity_in_front)
{
    in_gort(compiled_go);
}

enum { PRODUCERS = 8, EACH = 5000 };
static gort_chan *finished;
static void producer(intptr_t id)
{
    for (int i = 0; i < EACH; i++)
        gort_chan_send(c, &(int64_t){(int64_t)id * EACH + i});
    gort_chan_send(finished, &(int){0});
}
static void closer(void)
{
    for (int i = 0; i < PRODUCERS; i++)
        gort_chan_recv(finished, NULL);
    gort_chan_close(c);
}
static char seen[PRODUCERS * EACH];
static void many(void)
{
    for (int cap = 0; cap < 10; cap += 9) {
        memset(seen, 0, sizeof seen);
        c = gort_make_chan(int64_t, (size_t)cap);
        finished = gort_make_chan(int, 0);
        for (int i = 0; i < PRODUCERS; i++)
            gort_go(producer, (intptr_t)i);
        gort_go(closer);
        int64_t v, last[PRODUCERS];
        memset(last, -1, sizeof last);
        while (gort_chan_recv(c, &v)) {
            seen[v]++;
            cr_expect(last[v / EACH] < v);
            last[v / EACH] = v;
        }
        for (size_t i = 0; i < sizeof seen; i++)
            if (seen[i] != 1)
                cr_expect_fail("element %zu arrived %d times", i, seen[i]);
    }
}
Test(chan, many_producers_lose_and_repeat_nothing)
{
    in_gort(many);
}
