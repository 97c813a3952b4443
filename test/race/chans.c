/* Each way in which channels make one thing happen before another, twice: used, so that no race may be
 * reported, and not used, so that one must be.
 */
// expect-re: ^[0-9]+ runs, all as expected$
// not: WARNING
// limit: 300
#include "cases.h"

/* ---- one value */
static void chan_unbuffered(void)
{
    ch = chan(0);
    run_two(touch_send, recv_touch);
}

static void chan_unbuffered_recv_first(void)
{
    ch = chan(0);
    run_two_back(touch_send, recv_touch);
}

static void chan_buffered(void)
{
    ch = chan(3);
    run_two(touch_send, recv_touch);
}

static void chan_buffered_recv_first(void)
{
    ch = chan(3);
    run_two_back(touch_send, recv_touch);
}

static void touch_recv(enum side s)
{
    touch(s);
    recv(ch);
    done();
}

static void send_touch(enum side s)
{
    if (racy)
        touch(s);
    send(ch);
    if (!racy)
        touch(s);
    done();
}

/* A receive ends before the send that it meets. */
static void chan_back(void)
{
    ch = chan(0);
    run_two(touch_recv, send_touch);
}

static void chan_back_send_first(void)
{
    ch = chan(0);
    run_two_back(touch_recv, send_touch);
}

static void send_twice_touch(enum side s)
{
    send(ch);
    if (racy)
        touch(s);
    send(ch);
    if (!racy)
        touch(s);
    done();
}

/* The first receive, before the second send into a buffer of one. */
static void chan_capacity(void)
{
    ch = chan(1);
    run_two(touch_recv, send_twice_touch);
}

static void chan_capacity_send_first(void)
{
    ch = chan(1);
    run_two_back(touch_recv, send_twice_touch);
}

/* ---- closing */
static void touch_close(enum side s)
{
    touch(s);
    gort_chan_close(ch);
    done();
}

static void chan_close(void)
{
    ch = chan(0);
    run_two(touch_close, recv_touch);
}

static void chan_close_recv_first(void)
{
    ch = chan(2);
    run_two_back(touch_close, recv_touch);
}

static void close_only(enum side s)
{
    my_turn(s);
    if (!racy)
        recv(ch2);
    gort_chan_close(ch);
    your_turn(s);
    done();
}

static void send_only(enum side s)
{
    long v = 1;
    my_turn(s);
    GORT_SCOPE
    {
        gort_defer(caught, NULL);
        (void)gort_chan_try_send(ch, &v);
    }
    your_turn(s);
    if (!racy)
        send(ch2);
    done();
}

/* A send that could have found the channel closed. */
static void chan_close_send(void)
{
    ch = chan(5);
    ch2 = chan(0);
    run_two(send_only, close_only);
}

/* ---- what is read and written in the program's name */
static long cell;
static void send_cell(enum side s)
{
    my_turn(s);
    gort_chan_send(ch, &cell);
    your_turn(s);
    if (!racy)
        send(ch2);
    done();
}

static void write_cell(enum side s)
{
    if (!racy)
        recv(ch2);
    my_turn(s);
    cell = 7;
    your_turn(s);
    done();
}

static void chan_element(void)
{
    ch = chan(1);
    ch2 = chan(1);
    run_two(send_cell, write_cell);
}

static void recv_cell(enum side s)
{
    if (!racy)
        recv(ch2);
    my_turn(s);
    (void)gort_chan_recv(ch, &cell);
    your_turn(s);
    done();
}

/* In time for the receive, or after what is received. */
static void write_cell_send(enum side s)
{
    if (racy)
        send(ch);
    my_turn(s);
    cell = 7;
    your_turn(s);
    if (!racy) {
        send(ch2);
        send(ch);
    }
    done();
}

static void chan_element_received(void)
{
    ch = chan(1);
    ch2 = chan(1);
    run_two(recv_cell, write_cell_send);
}

/* ---- select */
static void select_send(enum side s)
{
    long v = 1;
    gort_select_case k[] = {gort_select_send_case(ch, &v), gort_select_recv_case(ch2, NULL, NULL)};
    touch(s);
    gort_select(k, 2);
    done();
}

static void select_recv(enum side s)
{
    long v;
    gort_select_case k[] = {gort_select_recv_case(ch2, NULL, NULL),
                            gort_select_recv_case(ch, &v, NULL)};
    if (racy)
        touch(s);
    gort_select(k, 2);
    if (!racy)
        touch(s);
    done();
}

static void selects(void)
{
    ch = chan(0);
    ch2 = chan(0);
    run_two(select_send, select_recv);
}

static void selects_recv_first(void)
{
    ch = chan(1);
    ch2 = chan(0);
    run_two_back(select_send, select_recv);
}

/* ---- a goroutine that has its thread for itself waits in place */
static void locked_touch_send(enum side s)
{
    gort_lock_os_thread();
    touch_send(s);
}

static void locked_recv_touch(enum side s)
{
    gort_lock_os_thread();
    recv_touch(s);
}

static void chan_locked(void)
{
    ch = chan(0);
    run_two(locked_recv_touch, locked_touch_send);
}

static void locked_touch_recv(enum side s)
{
    gort_lock_os_thread();
    touch_recv(s);
}

static void chan_locked_back(void)
{
    ch = chan(0);
    run_two(locked_touch_recv, send_touch);
}

const struct test_case cases[] = {
    CASE(chan_unbuffered),
    CASE(chan_unbuffered_recv_first),
    CASE(chan_buffered),
    CASE(chan_buffered_recv_first),
    CASE(chan_back),
    CASE(chan_back_send_first),
    CASE(chan_capacity),
    CASE(chan_capacity_send_first),
    CASE(chan_close),
    CASE(chan_close_recv_first),
    CASE(chan_close_send),
    CASE(chan_element),
    CASE(chan_element_received),
    CASE(selects),
    CASE(selects_recv_first),
    CASE(chan_locked),
    CASE(chan_locked_back),
};
const int ncases = sizeof cases / sizeof cases[0];
