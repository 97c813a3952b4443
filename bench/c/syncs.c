/* syncs.c: mutexes, wait groups, timers. */
#include "rows.h"

#include <stdatomic.h>
#include <stdlib.h>

static gort_mutex mu;
static int64_t counter;

static void mutex_loop(int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        gort_mutex_lock(&mu);
        counter++;
        gort_mutex_unlock(&mu);
    }
}

void mutex_free(int64_t n)
{
    mutex_loop(n);
}

static void mutex_worker(int64_t n, gort_waitgroup *wg)
{
    mutex_loop(n);
    gort_waitgroup_done(wg);
}

static void mutex_shared(int width, int64_t n)
{
    gort_waitgroup wg = {0};
    gort_waitgroup_add(&wg, width);
    int64_t before = counter;
    for (int i = 0; i < width; i++)
        gort_go(mutex_worker, n / width, &wg);
    gort_waitgroup_wait(&wg);
    check(counter - before == n / width * width, "mutex: lost counts");
}

void mutex_2(int64_t n)
{
    mutex_shared(2, n);
}

void mutex_64(int64_t n)
{
    mutex_shared(64, n);
}

/* Releases FAN_WIDTH waiters through one wait group and gathers them through another. The gates
 * alternate, so that one is refilled only when all have left it. */
struct fan {
    gort_waitgroup gate[2];
    gort_waitgroup done;
};

static void fan_waiter(struct fan *f, int64_t rounds)
{
    for (int64_t r = 0; r < rounds; r++) {
        gort_waitgroup_wait(&f->gate[r & 1]);
        gort_waitgroup_done(&f->done);
    }
}

void waitgroup_fan(int64_t n)
{
    int64_t rounds = n / FAN_WIDTH;
    struct fan *f = calloc(1, sizeof *f); /* the last waiters still hold it on return: not freed */
    check(f != NULL, "out of memory");
    gort_waitgroup_add(&f->gate[0], 1);
    for (int i = 0; i < FAN_WIDTH; i++)
        gort_go(fan_waiter, f, rounds);
    for (int64_t r = 0; r < rounds; r++) {
        gort_waitgroup_add(&f->done, FAN_WIDTH);
        gort_waitgroup_add(&f->gate[(r + 1) & 1], 1);
        gort_waitgroup_done(&f->gate[r & 1]);
        gort_waitgroup_wait(&f->done);
    }
}

static void never(void *arg)
{
    (void)arg;
    check(false, "a timer of an hour fired");
}

void timer_new_stop(int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        gort_timer_stop(gort_timer_new(GORT_HOUR));
}

void timer_func_stop(int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        gort_timer_stop(gort_after_func(GORT_HOUR, never, NULL));
}

/* Moves one of 10,000 pending timers at a time. */
void timer_reset(int64_t n)
{
    enum { PENDING = 10000 };
    static gort_timer *t[PENDING];
    for (int i = 0; i < PENDING; i++)
        t[i] = gort_after_func(GORT_HOUR, never, NULL);
    for (int64_t i = 0; i < n; i++)
        gort_timer_reset(t[i % PENDING], GORT_HOUR + i * 7919 % 1000000);
    for (int i = 0; i < PENDING; i++)
        gort_timer_stop(t[i]);
}

static _Atomic int64_t unfired;

static void fired(void *all_fired)
{
    int64_t one = 1;
    if (atomic_fetch_sub(&unfired, 1) == 1)
        gort_chan_send(all_fired, &one);
}

/* Waits for n timers spread over 100 ms. */
void timer_fire(int64_t n)
{
    gort_chan *all_fired = gort_make_chan(int64_t, 1);
    atomic_store(&unfired, n);
    for (int64_t i = 0; i < n; i++)
        gort_after_func(i * 7919 % 100000000, fired, all_fired);
    gort_chan_recv(all_fired, NULL);
}
