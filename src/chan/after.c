/* after.c: timers that a program sees: they send the time, or start a goroutine.
 *
 * Owns    gort_timer and gort_ticker.
 * Holds   1. The channel of a timer is part of the same object: who holds one keeps the other alive.
 *         2. An armed timer is reachable from the timers of some P (timer/timer.h), which are roots.
 * Locks   none of its own. Timer callbacks run with no lock held, and take that of the channel.
 */
#include "chan/chan.h"

#include "base/track.h"
#include "gc/gc.h"
#include "panic/panic.h"
#include "sched/sched.h"

#include <gort/time.h>

struct gort_timer {
    struct timer timer;
    /* const: */
    void (*fn)(void *arg); /* NULL: sends the time */
    void *arg;
    /* not there if fn is: */
    struct gort_chan chan;
    int64_t buf;
};

struct gort_ticker {
    struct gort_timer t;
};

/* The time is dropped if the last one is still there, or the program has closed the channel. */
static void send_time(void *arg, int64_t now_ns)
{
    struct gort_timer *t = arg;
    void *keep = track_timer_begin(t);
    (void)chan_send_now(&t->chan, &now_ns);
    track_timer_end(keep);
}

static void start_function(void *arg, int64_t now_ns)
{
    struct gort_timer *t = arg;
    (void)now_ns;
    struct start s = {.fn = (void (*)(void))t->fn, .arg = {(uintptr_t)t->arg}};
    struct go_options o = {.created_pc = (uintptr_t)start_function + 1};
    void *keep = track_timer_begin(t);
    ready_tail(g_new(&s, &o));
    track_timer_end(keep);
}

/* Inside: a new timer, not armed. */
static struct gort_timer *timer_make(void (*fn)(void *arg), void *arg)
{
    size_t bytes = fn == NULL ? sizeof(struct gort_timer) : offsetof(struct gort_timer, chan);
    struct gort_timer *t = gc_alloc(bytes, OBJ_CONSERVATIVE);
    t->timer.fn = fn == NULL ? send_time : start_function;
    t->timer.arg = t;
    t->fn = fn;
    t->arg = arg;
    if (fn == NULL)
        chan_init(&t->chan, gort_typeof(int64_t), 1, &t->buf);
    return t;
}

static struct gort_timer *timer_arm_new(int64_t ns, int64_t period_ns, void (*fn)(void *arg),
                                        void *arg)
{
    struct m *m = m_enter();
    struct gort_timer *t = timer_make(fn, arg);
    t->timer.when_ns = timer_deadline(os_nanotime(), ns);
    t->timer.period_ns = period_ns;
    track_release(t);
    sched_timer_start(&t->timer);
    m_leave(m);
    return t;
}

static bool timer_arm_again(struct gort_timer *t, int64_t ns, int64_t period_ns)
{
    struct m *m = m_enter();
    track_release(t);
    bool was = sched_timer_reset(&t->timer, timer_deadline(os_nanotime(), ns), period_ns);
    m_leave(m);
    return was;
}

static bool timer_disarm(struct gort_timer *t)
{
    struct m *m = m_enter();
    bool was = timer_stop(&t->timer);
    m_leave(m);
    return was;
}

/* ---- once */

gort_timer *gort_timer_new(int64_t ns)
{
    return timer_arm_new(ns, 0, NULL, NULL);
}

gort_timer *gort_after_func(int64_t ns, void (*fn)(void *arg), void *arg)
{
    if (fn == NULL)
        panic_nil();
    return timer_arm_new(ns, 0, fn, arg);
}

gort_chan *gort_timer_chan(const gort_timer *t)
{
    return t->fn != NULL ? NULL : (gort_chan *)(uintptr_t)&t->chan;
}

bool gort_timer_stop(gort_timer *t)
{
    if (t == NULL)
        panic_string("time: Stop called on uninitialized Timer");
    return timer_disarm(t);
}

bool gort_timer_reset(gort_timer *t, int64_t ns)
{
    if (t == NULL)
        panic_string("time: Reset called on uninitialized Timer");
    return timer_arm_again(t, ns, 0);
}

gort_chan *gort_after(int64_t ns)
{
    return gort_timer_chan(gort_timer_new(ns));
}

/* ---- again and again */

gort_ticker *gort_ticker_new(int64_t ns)
{
    if (ns <= 0)
        panic_string("non-positive interval for NewTicker");
    return container_of(timer_arm_new(ns, ns, NULL, NULL), gort_ticker, t);
}

gort_chan *gort_ticker_chan(const gort_ticker *t)
{
    return gort_timer_chan(&t->t);
}

void gort_ticker_stop(gort_ticker *t)
{
    if (t != NULL)
        timer_disarm(&t->t);
}

void gort_ticker_reset(gort_ticker *t, int64_t ns)
{
    if (ns <= 0)
        panic_string("non-positive interval for Ticker.Reset");
    if (t == NULL)
        panic_string("time: Reset called on uninitialized Ticker");
    timer_arm_again(&t->t, ns, ns);
}

gort_chan *gort_tick(int64_t ns)
{
    return ns <= 0 ? NULL : gort_ticker_chan(gort_ticker_new(ns));
}
