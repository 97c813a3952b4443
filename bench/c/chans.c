/* chans.c: channels, select, and the tree of goroutines that reports over channels. */
#include "rows.h"

static void bounce(gort_chan *ping, gort_chan *pong, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t v;
        gort_chan_recv(ping, &v);
        gort_chan_send(pong, &v);
    }
}

void chan_round_trip(int64_t n)
{
    gort_chan *ping = gort_make_chan(int64_t, 0), *pong = gort_make_chan(int64_t, 0);
    gort_go(bounce, ping, pong, n);
    for (int64_t i = 0; i < n; i++) {
        gort_chan_send(ping, &i);
        gort_chan_recv(pong, NULL);
    }
}

static void produce(gort_chan *c, int64_t n, gort_waitgroup *wg)
{
    for (int64_t i = 0; i < n; i++)
        gort_chan_send(c, &i);
    gort_waitgroup_done(wg);
}

static volatile int64_t sink;

static void consume(gort_chan *c, int64_t n, gort_waitgroup *wg)
{
    int64_t sum = 0, v;
    for (int64_t i = 0; i < n; i++) {
        gort_chan_recv(c, &v);
        sum += v;
    }
    sink = sum;
    gort_waitgroup_done(wg);
}

static void chan_buffered(int pairs, int64_t n)
{
    gort_chan *c = gort_make_chan(int64_t, 128);
    gort_waitgroup wg = {0};
    gort_waitgroup_add(&wg, 2 * pairs);
    for (int i = 0; i < pairs; i++) {
        gort_go(produce, c, n / pairs, &wg);
        gort_go(consume, c, n / pairs, &wg);
    }
    gort_waitgroup_wait(&wg);
}

void chan_buffered_1(int64_t n)
{
    chan_buffered(1, n);
}

void chan_buffered_4(int64_t n)
{
    chan_buffered(4, n);
}

static void four_chans(gort_chan *c[4], size_t cap)
{
    for (int i = 0; i < 4; i++)
        c[i] = gort_make_chan(int64_t, cap);
}

void select_default(int64_t n)
{
    gort_chan *c[4];
    four_chans(c, 1);
    int64_t missed = 0, v;
    for (int64_t i = 0; i < n; i++) {
        gort_select_case cases[] = {
            GORT_RECV(c[0], &v),
            GORT_RECV(c[1], &v),
            GORT_RECV(c[2], &v),
            GORT_RECV(c[3], &v),
        };
        if (gort_select_default(cases, 4) == -1)
            missed++;
    }
    check(missed == n, "select: a case of empty channels ran");
}

static int64_t recv_any(gort_chan *c[4])
{
    int64_t v;
    gort_select_case cases[] = {
        GORT_RECV(c[0], &v),
        GORT_RECV(c[1], &v),
        GORT_RECV(c[2], &v),
        GORT_RECV(c[3], &v),
    };
    gort_select(cases, 4);
    return v;
}

/* Counts a send to one of four channels and the select that receives it. */
void select_ready(int64_t n)
{
    gort_chan *c[4];
    four_chans(c, 1);
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        gort_chan_send(c[i & 3], &i);
        sum += recv_any(c);
    }
    check(sum == n * (n - 1) / 2, "select: wrong sum");
}

struct two_ways {
    gort_chan *ping[4], *pong[4];
};

static void bounce_select(struct two_ways *w, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        int64_t v = recv_any(w->ping);
        gort_chan_send(w->pong[i & 3], &v);
    }
}

/* A round trip in which both sides receive through a select that has to wait. */
void select_block(int64_t n)
{
    struct two_ways w;
    four_chans(w.ping, 0);
    four_chans(w.pong, 0);
    gort_go(bounce_select, &w, n);
    int64_t sum = 0;
    for (int64_t i = 0; i < n; i++) {
        gort_chan_send(w.ping[i & 3], &i);
        sum += recv_any(w.pong);
    }
    check(sum == n * (n - 1) / 2, "select: wrong sum");
}

static void skynet_node(gort_chan *up, int64_t first, int64_t leaves)
{
    if (leaves <= 1) {
        gort_chan_send(up, &first);
        return;
    }
    gort_chan *c = gort_make_chan(int64_t, 0);
    for (int i = 0; i < 10; i++)
        gort_go(skynet_node, c, first + i * (leaves / 10), leaves / 10);
    int64_t sum = 0, v;
    for (int i = 0; i < 10; i++) {
        gort_chan_recv(c, &v);
        sum += v;
    }
    gort_chan_send(up, &sum);
}

/* A tree of n leaves, ten children each; every goroutine reports a sum to its parent. */
void skynet(int64_t n)
{
    gort_chan *c = gort_make_chan(int64_t, 0);
    int64_t first = 0, sum;
    gort_go(skynet_node, c, first, n);
    gort_chan_recv(c, &sum);
    check(sum == n * (n - 1) / 2, "skynet: wrong sum");
}
