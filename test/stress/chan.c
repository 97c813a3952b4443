/* chan.c: random programs over channels, selects, closes and timers.
 *
 * usage: chan SEED SECONDS
 *
 * Each round makes some channels of random capacity, producers that send numbered elements in one
 * of several ways, and consumers that receive in one of several ways until every channel is closed.
 * At the end every element must have arrived once. The first line tells the seed; the exit status
 * is 0 if all rounds were right.
 */
#include <gort/chan.h>
#include <gort/go.h>
#include <gort/time.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int gort_run(int (*fn)(int argc, char **argv), int argc, char **argv);

enum { CHANS = 6, PRODUCERS = 24, CONSUMERS = 24, EACH = 400 };

struct element {
    uint32_t producer, number;
    uint64_t check; /* a copy that was torn would show */
};
typedef struct element element;

static struct {
    gort_chan *c[CHANS];
    int nchans, nproducers, nconsumers;
    gort_chan *produced, *consumed;
    unsigned char seen[PRODUCERS][EACH];
    uint64_t seed;
} r;

static int failures;

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s * 0x2545F4914F6CDD1Du >> 16;
}

static void fail(const char *what, unsigned long a, unsigned long b)
{
    fprintf(stderr, "FAILED: %s (%lu, %lu)\n", what, a, b);
    __atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
}

static uint64_t check_of(const element *e)
{
    return (e->producer * 1000003ull + e->number) * 0x9E3779B97F4A7C15u;
}

/* ---- producers */

static void send_by_select(uint64_t *s, const element *e)
{
    gort_select_case k[CHANS + 1];
    int n = 1 + (int)(next(s) % CHANS);
    for (int i = 0; i < n; i++)
        k[i] = GORT_SEND(next(s) % 5 == 0 ? NULL : r.c[next(s) % (uint64_t)r.nchans], e);
    if (next(s) % 2 == 0) {
        while (gort_select_default(k, n) < 0) {
            k[0] = GORT_SEND(r.c[next(s) % (uint64_t)r.nchans], e);
            gort_gosched();
        }
        return;
    }
    k[0] = GORT_SEND(r.c[0], e);
    while (next(s) % 4 == 0) {
        k[n] = GORT_RECV(gort_after((int64_t)(next(s) % 20000)), NULL);
        if (gort_select(k, n + 1) != n)
            return;
    }
    gort_select(k, n);
}

static void send_one(uint64_t *s, const element *e)
{
    gort_chan *c = r.c[next(s) % (uint64_t)r.nchans];
    switch (next(s) % 3) {
    case 0:
        gort_chan_send(c, e);
        return;
    case 1:
        while (!gort_chan_try_send(c, e))
            gort_gosched();
        return;
    default:
        send_by_select(s, e);
    }
}

static void producer(intptr_t id)
{
    uint64_t s = r.seed + (uint64_t)id * 7919 + 1;
    for (uint32_t i = 0; i < EACH; i++) {
        element e = {(uint32_t)id, i, 0};
        e.check = check_of(&e);
        send_one(&s, &e);
    }
    gort_chan_send(r.produced, &(int){0});
}

/* ---- consumers */

static void consume(const element *e)
{
    if (e->producer >= PRODUCERS || e->number >= EACH || e->check != check_of(e)) {
        fail("an element that nobody sent", e->producer, e->number);
        return;
    }
    if (__atomic_fetch_add(&r.seen[e->producer][e->number], 1, __ATOMIC_RELAXED) != 0)
        fail("an element arrived twice", e->producer, e->number);
}

static bool is_zero(const element *e)
{
    static const element zero;
    return memcmp(e, &zero, sizeof zero) == 0;
}

/* Receives from one channel until it is closed. */
static void drain_one(uint64_t *s, gort_chan *c)
{
    element e;
    for (;;) {
        bool ok;
        memset(&e, 0xff, sizeof e);
        /* Two that only try never meet, so a receiver that tried in vain waits. */
        if (next(s) % 2 == 0 || !gort_chan_try_recv(c, &e, &ok))
            ok = gort_chan_recv(c, &e);
        if (!ok)
            break;
        consume(&e);
    }
    if (!is_zero(&e))
        fail("a closed channel gave something", e.producer, e.number);
}

/* Receives from all channels until all are closed. */
static void drain_by_select(uint64_t *s)
{
    gort_select_case k[CHANS + 1];
    element e[CHANS];
    bool ok[CHANS];
    int open = r.nchans;
    for (int i = 0; i < r.nchans; i++)
        k[i] = GORT_RECV_OK(r.c[i], &e[i], &ok[i]);
    while (open > 0) {
        int n = r.nchans, pick;
        if (next(s) % 16 == 0)
            k[n++] = GORT_RECV(gort_after((int64_t)(next(s) % 50000)), NULL);
        if (next(s) % 2 == 0)
            pick = gort_select(k, n);
        else if ((pick = gort_select_default(k, n)) < 0)
            gort_gosched();
        if (pick < 0 || pick >= r.nchans)
            continue;
        if (ok[pick]) {
            consume(&e[pick]);
            continue;
        }
        k[pick].chan = NULL;
        open--;
    }
}

static void consumer(intptr_t id)
{
    uint64_t s = r.seed + (uint64_t)id * 104729 + 3;
    if (id < r.nchans)
        drain_one(&s, r.c[id]);
    else
        drain_by_select(&s);
    gort_chan_send(r.consumed, &(int){0});
}

/* ---- rounds */

static void set_up(uint64_t *s)
{
    memset(&r, 0, sizeof r);
    r.seed = next(s) | 1;
    r.nchans = 1 + (int)(next(s) % CHANS);
    r.nproducers = 1 + (int)(next(s) % PRODUCERS);
    r.nconsumers = r.nchans + (int)(next(s) % (uint64_t)(CONSUMERS - CHANS));
    r.produced = gort_make_chan(int, 0);
    r.consumed = gort_make_chan(int, 0);
    for (int i = 0; i < r.nchans; i++)
        r.c[i] = gort_make_chan(element, next(s) % 2 == 0 ? 0 : next(s) % 20);
}

static void one_round(uint64_t *s)
{
    set_up(s);
    for (intptr_t i = 0; i < r.nconsumers; i++)
        gort_go(consumer, i);
    for (intptr_t i = 0; i < r.nproducers; i++)
        gort_go(producer, i);
    for (int i = 0; i < r.nproducers; i++)
        gort_chan_recv(r.produced, NULL);
    for (int i = 0; i < r.nchans; i++)
        gort_chan_close(r.c[i]);
    for (int i = 0; i < r.nconsumers; i++)
        gort_chan_recv(r.consumed, NULL);
    for (int p = 0; p < r.nproducers; p++)
        for (int i = 0; i < EACH; i++)
            if (r.seen[p][i] != 1)
                fail("an element did not arrive once", (unsigned long)p, (unsigned long)i);
}

static int stress(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    int64_t end = gort_nanotime() + (argc > 2 ? atoi(argv[2]) : 2) * GORT_SECOND;
    uint64_t s = seed * 0x9E3779B97F4A7C15u | 1;
    int rounds = 0;
    printf("seed %llu\n", (unsigned long long)seed);
    fflush(stdout);
    do {
        one_round(&s);
        rounds++;
    } while (gort_nanotime() < end && failures == 0);
    printf("%d rounds, %d failures\n", rounds, failures);
    return failures != 0;
}

int main(int argc, char **argv)
{
    return gort_run(stress, argc, argv);
}
