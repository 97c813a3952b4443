/* after_test.c: timers, tickers and sleeping, as a program sees them. */
#include "test/support.h"

#include <criterion/criterion.h>
#include <gort/go.h>
#include <gort/panic.h>
#include <gort/time.h>

#define MS GORT_MILLISECOND

static void sleeps(void)
{
    gort_sleep(0);
    gort_sleep(-5);
    gort_sleep(INT64_MIN); /* it comes back */
    int64_t t0 = gort_nanotime();
    gort_sleep(5 * MS);
    int64_t passed = gort_nanotime() - t0;
    cr_expect(passed >= 5 * MS, "%lld", (long long)passed);
}
Test(after, sleep_takes_its_time)
{
    in_gort(sleeps);
}

enum { SLEEPERS = 300 };
static gort_chan *awake;
static void sleeper(intptr_t i)
{
    int64_t t0 = gort_nanotime(), ns = (i % 20) * MS / 2;
    gort_sleep(ns);
    gort_chan_send(awake, &(bool){gort_nanotime() - t0 >= ns});
}
static void many_sleep(void)
{
    awake = gort_make_chan(bool, 0);
    for (intptr_t i = 0; i < SLEEPERS; i++)
        gort_go(sleeper, i);
    for (int i = 0; i < SLEEPERS; i++) {
        bool late_enough = false;
        gort_chan_recv(awake, &late_enough);
        cr_expect(late_enough);
    }
}
Test(after, many_sleep_at_once)
{
    in_gort(many_sleep);
}

static void fires(void)
{
    int64_t t0 = gort_nanotime(), at = 0;
    gort_timer *t = gort_timer_new(GORT_HOUR);
    gort_chan *c = gort_timer_chan(t);
    cr_expect_eq(gort_chan_cap(c), 1);
    cr_expect_not(gort_chan_try_recv(c, &at, NULL));
    cr_expect(gort_timer_reset(t, 5 * MS));
    cr_expect(gort_chan_recv(c, &at));
    cr_expect(at >= t0 + 5 * MS && at <= gort_nanotime());
    cr_expect_not(gort_timer_stop(t));
    cr_expect_not(gort_timer_reset(t, MS));
    cr_expect(gort_chan_recv(c, &at));
    cr_expect(at >= t0 + 6 * MS);
}
Test(after, a_timer_sends_the_time_once_per_arming)
{
    in_gort(fires);
}

static void stops(void)
{
    gort_timer *t = gort_timer_new(GORT_HOUR);
    cr_expect(gort_timer_stop(t));
    cr_expect_not(gort_timer_stop(t));
    cr_expect_not(gort_timer_reset(t, 5 * MS));
    if (gort_timer_stop(t)) { /* it has not fired, and will not */
        gort_sleep(10 * MS);
        cr_expect_eq(gort_chan_len(gort_timer_chan(t)), 0);
    } else {
        cr_expect(gort_chan_recv(gort_timer_chan(t), NULL));
    }
    cr_expect_not(gort_timer_reset(t, GORT_HOUR));
    cr_expect(gort_timer_reset(t, MS));
    cr_expect(gort_chan_recv(gort_timer_chan(t), NULL));
}
Test(after, stop_and_reset_say_whether_it_was_armed)
{
    in_gort(stops);
}

static void odd_durations(void)
{
    cr_expect(gort_chan_recv(gort_after(0), NULL));
    cr_expect(gort_chan_recv(gort_after(-GORT_HOUR), NULL));
    gort_timer *t = gort_timer_new(INT64_MAX);
    gort_sleep(MS);
    cr_expect(gort_timer_stop(t));
    cr_expect_null(gort_tick(0));
    cr_expect_null(gort_tick(-1));
}
Test(after, durations_without_sense)
{
    in_gort(odd_durations);
}

static void undrained(void)
{
    gort_timer *t = gort_timer_new(0);
    for (int i = 0; i < 5; i++) {
        gort_sleep(MS);
        gort_timer_reset(t, 0);
    }
    while (gort_chan_len(gort_timer_chan(t)) == 0)
        gort_gosched();
    gort_timer_reset(t, GORT_HOUR);
    cr_expect_eq(gort_chan_len(gort_timer_chan(t)), 1); /* go1.20: reset does not drain */
    gort_timer_stop(t);
}
Test(after, a_full_channel_loses_the_time)
{
    in_gort(undrained);
}

static void ticks(void)
{
    int64_t at, last = gort_nanotime();
    gort_ticker *t = gort_ticker_new(2 * MS);
    for (int i = 0; i < 5; i++) {
        gort_chan_recv(gort_ticker_chan(t), &at);
        cr_expect(at > last);
        last = at;
    }
    gort_ticker_reset(t, MS);
    gort_chan_recv(gort_ticker_chan(t), &at);
    gort_ticker_stop(t);
    int64_t stopped = gort_nanotime();
    gort_sleep(5 * MS);
    if (gort_chan_try_recv(gort_ticker_chan(t), &at, NULL))
        cr_expect(at <= stopped, "one from before");
    gort_ticker_stop(t);
    gort_ticker_stop(NULL);
    cr_expect(gort_chan_recv(gort_tick(MS), NULL));
}
Test(after, a_ticker_ticks_until_stopped)
{
    in_gort(ticks);
}

static gort_chan *ran;
static void func(void *arg)
{
    gort_sleep(MS); /* it is a goroutine: it may wait */
    gort_chan_send(ran, &arg);
}
static void after_func(void)
{
    int x;
    void *arg = NULL;
    ran = gort_make_chan(uintptr_t, 0);
    gort_timer *t = gort_after_func(MS, func, &x);
    cr_expect_null(gort_timer_chan(t));
    gort_chan_recv(ran, &arg);
    cr_expect_eq(arg, &x);
    cr_expect_not(gort_timer_stop(t));
    cr_expect_not(gort_timer_reset(t, 0));
    gort_chan_recv(ran, &arg);
    t = gort_after_func(GORT_HOUR, func, NULL);
    cr_expect(gort_timer_stop(t));
}
Test(after, a_function_runs_in_its_own_goroutine)
{
    in_gort(after_func);
}

static void stop_null(void *arg)
{
    gort_timer_stop(arg);
}
static void reset_null(void *arg)
{
    gort_timer_reset(arg, 1);
}
static void ticker_zero(void *arg)
{
    (void)arg;
    gort_ticker_new(0);
}
static void ticker_reset_zero(void *arg)
{
    gort_ticker_reset(arg, 0);
}
static void ticker_reset_null(void *arg)
{
    gort_ticker_reset(arg, 1);
}
static bool panics_with(void (*fn)(void *), const char *text)
{
    gort_any v;
    return gort_try(fn, NULL, &v) && strcmp(((const gort_string *)v.data)->ptr, text) == 0;
}
static void misuse(void)
{
    cr_expect(panics_with(stop_null, "time: Stop called on uninitialized Timer"));
    cr_expect(panics_with(reset_null, "time: Reset called on uninitialized Timer"));
    cr_expect(panics_with(ticker_zero, "non-positive interval for NewTicker"));
    cr_expect(panics_with(ticker_reset_zero, "non-positive interval for Ticker.Reset"));
    cr_expect(panics_with(ticker_reset_null, "time: Reset called on uninitialized Ticker"));
}
Test(after, misuse_panics_in_the_words_of_go)
{
    in_gort(misuse);
}

static gort_timer *shared;
static gort_chan *joined;
static void reset_much(void)
{
    for (int i = 0; i < 5000; i++) {
        gort_timer_reset(shared, i % 3 * 10000);
        if (i % 7 == 0)
            gort_timer_stop(shared);
        if (i % 50 == 0)
            gort_gosched();
    }
    gort_chan_send(joined, &(int){0});
}
static void contended(void)
{
    shared = gort_timer_new(0);
    joined = gort_make_chan(int, 0);
    for (int i = 0; i < 4; i++)
        gort_go(reset_much);
    for (int i = 0; i < 4; i++)
        gort_chan_recv(joined, NULL);
    gort_timer_stop(shared);
    gort_chan_try_recv(gort_timer_chan(shared), NULL, NULL);
    gort_timer_reset(shared, MS);
    cr_expect(gort_chan_recv(gort_timer_chan(shared), NULL));
}
Test(after, several_goroutines_may_reset_one_timer)
{
    in_gort(contended);
}
