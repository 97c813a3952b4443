/* gort/time.h: the clock, sleeping, timers and tickers.
 *
 * All times are nanoseconds in an int64_t: durations, or moments of the clock that gort_nanotime
 * reads. It is monotonic, starts anywhere, and has nothing to do with the date. Timers and tickers
 * are garbage-collected; one that is still armed stays alive.
 */
#ifndef GORT_TIME_H
#define GORT_TIME_H

#include <gort/base.h>
#include <gort/chan.h>

GORT_BEGIN_DECLS

#define GORT_NANOSECOND  ((int64_t)1)
#define GORT_MICROSECOND (1000 * GORT_NANOSECOND)
#define GORT_MILLISECOND (1000 * GORT_MICROSECOND)
#define GORT_SECOND      (1000 * GORT_MILLISECOND)
#define GORT_MINUTE      (60 * GORT_SECOND)
#define GORT_HOUR        (60 * GORT_MINUTE)

typedef struct gort_timer gort_timer;
typedef struct gort_ticker gort_ticker;

/* The monotonic clock. Any thread, at any time. */
GORT_API int64_t gort_nanotime(void);

/* Lets at least `ns` nanoseconds pass: Go's time.Sleep.
 *
 * Waits    that long; the goroutine only. Returns at once if `ns` is 0 or negative.
 * Callers  any goroutine.
 */
GORT_API void gort_sleep(int64_t ns);

/* A timer that sends the time once, `ns` from now: Go's time.NewTimer.
 *
 * Waits    never.
 * ns       0 or negative: at once.
 * Returns  an armed timer. Its channel carries int64_t, a moment of gort_nanotime, and has room for
 *          one; if that is taken when the timer fires, the time is dropped.
 * Callers  any goroutine.
 */
GORT_API gort_timer *gort_timer_new(int64_t ns);

/* Calls fn(arg) in a goroutine of its own, `ns` from now: Go's time.AfterFunc. Otherwise as
 * gort_timer_new; the timer has no channel. */
GORT_API gort_timer *gort_after_func(int64_t ns, void (*fn)(void *arg), void *arg);

/* The timer's channel (Go's t.C); NULL if it came from gort_after_func. */
GORT_API gort_chan *gort_timer_chan(const gort_timer *t);

/* Disarms it.
 *
 * Waits    never; not for the function of gort_after_func either, which may have started.
 * Returns  true if it was armed; false if it has fired or was stopped before. The channel is
 * neither closed nor drained: after false, a time may still be in it. Fails    panics with `time:
 * Stop called on uninitialized Timer` on NULL. Callers  any goroutines at once.
 */
GORT_API bool gort_timer_stop(gort_timer *t);

/* Arms it anew for `ns` from now, whatever it was before: Go's t.Reset. Returns true if it was
 * armed. As in Go, a time already in the channel stays there. Panics with `time: Reset called on
 * uninitialized Timer` on NULL. Never waits; any goroutines at once. */
GORT_API bool gort_timer_reset(gort_timer *t, int64_t ns);

/* The channel of a new timer: Go's time.After(ns). */
GORT_API gort_chan *gort_after(int64_t ns);

/* A ticker, which sends the time every `ns`, as gort_timer_new does once: Go's time.NewTicker. Slow
 * receivers miss ticks. Panics with `non-positive interval for NewTicker`. Never waits. */
GORT_API gort_ticker *gort_ticker_new(int64_t ns);
GORT_API gort_chan *gort_ticker_chan(const gort_ticker *t);

/* Turns it off; the channel is not closed. Never waits; any goroutines at once. */
GORT_API void gort_ticker_stop(gort_ticker *t);

/* Goes on with another interval, the first tick being `ns` from now. Panics with `non-positive
 * interval for Ticker.Reset`, and with `time: Reset called on uninitialized Ticker` on NULL. */
GORT_API void gort_ticker_reset(gort_ticker *t, int64_t ns);

/* The channel of a new ticker that nobody can stop; NULL if `ns` is not positive: Go's time.Tick.
 */
GORT_API gort_chan *gort_tick(int64_t ns);

GORT_END_DECLS

#endif
