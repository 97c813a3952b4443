/* cases_chan.h: of cases.c, what all cases use, and the cases of goroutines and channels. */
#include <gort.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool racy;
int shared; /* not static: what is never read otherwise must stay */
static gort_waitgroup both;
static gort_chan *ch, *ch2;
static gort_mutex mu;
static gort_rwmutex rw;
static int pipe_fd[2];

static gort_chan *chan(size_t cap)
{
    return gort_chan_make(gort_typeof(long), cap);
}

static void send(gort_chan *c)
{
    gort_chan_send(c, &(long){1});
}

static void recv(gort_chan *c)
{
    long v;
    (void)gort_chan_recv(c, &v);
}

/* More than once: of two accesses at the very same moment the tool may see neither. */
static void touch(void)
{
    for (int i = 0; i < 100; i++) {
        shared++;
        __asm__ volatile("" ::: "memory");
    }
}

static void run_two(void (*a)(void), void (*b)(void))
{
    gort_waitgroup_add(&both, 2);
    gort_go(a);
    gort_go(b);
    gort_waitgroup_wait(&both);
}

static void done(void)
{
    gort_waitgroup_done(&both);
}

/* ---- go */
static void just_touch(void)
{
    touch();
    done();
}

static void go_statement(void)
{
    gort_waitgroup_add(&both, 1);
    if (!racy)
        touch();
    gort_go(just_touch);
    if (racy)
        touch();
    gort_waitgroup_wait(&both);
}

static void waitgroup(void)
{
    gort_waitgroup_add(&both, 1);
    gort_go(just_touch);
    if (racy) {
        gort_gosched();
        touch();
    }
    gort_waitgroup_wait(&both);
    touch();
}

/* ---- what orders nothing */
static void touch_and_yield(void)
{
    touch();
    for (int i = 0; i < 3; i++)
        gort_gosched();
    done();
}

static void yields(void)
{
    if (racy)
        run_two(touch_and_yield, touch_and_yield);
}

static void touch_and_sleep(void)
{
    gort_sleep(1000);
    touch();
    gort_sleep(1000);
    done();
}

static void sleeps(void)
{
    if (racy)
        run_two(touch_and_sleep, touch_and_sleep);
}

/* ---- channels */
static void touch_send(void)
{
    touch();
    send(ch);
    done();
}

static void recv_touch(void)
{
    if (racy)
        touch();
    recv(ch);
    if (!racy)
        touch();
    done();
}

static void chan_unbuffered(void)
{
    ch = chan(0);
    run_two(touch_send, recv_touch);
}

static void chan_unbuffered_recv_first(void)
{
    ch = chan(0);
    run_two(recv_touch, touch_send);
}

static void chan_buffered(void)
{
    ch = chan(3);
    run_two(touch_send, recv_touch);
}

static void chan_buffered_recv_first(void)
{
    ch = chan(3);
    run_two(recv_touch, touch_send);
}

static void touch_recv(void)
{
    touch();
    recv(ch);
    done();
}

static void send_touch(void)
{
    if (racy)
        touch();
    send(ch);
    if (!racy)
        touch();
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
    run_two(send_touch, touch_recv);
}

static void send_twice_touch(void)
{
    send(ch);
    if (racy)
        touch();
    send(ch);
    if (!racy)
        touch();
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
    run_two(send_twice_touch, touch_recv);
}

static void touch_close(void)
{
    touch();
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
    run_two(recv_touch, touch_close);
}

static void caught(void *arg)
{
    (void)arg;
    gort_recover(NULL);
}

static void close_only(void)
{
    if (!racy)
        recv(ch2);
    gort_chan_close(ch);
    done();
}

static void send_only(void)
{
    long v = 1;
    GORT_SCOPE
    {
        gort_defer(caught, NULL);
        (void)gort_chan_try_send(ch, &v);
    }
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

static long cell;
static void send_cell(void)
{
    gort_chan_send(ch, &cell);
    if (!racy)
        send(ch2);
    done();
}

static void write_cell(void)
{
    if (!racy)
        recv(ch2);
    cell = 7;
    done();
}

/* What is read and written in the program's name. */
static void chan_element(void)
{
    ch = chan(1);
    ch2 = chan(1);
    run_two(send_cell, write_cell);
}

static void recv_cell(void)
{
    if (!racy)
        recv(ch2);
    (void)gort_chan_recv(ch, &cell);
    done();
}

static void write_cell_send(void)
{
    cell = 7;
    if (!racy)
        send(ch2);
    send(ch);
    done();
}

static void recv_cell_racy(void)
{
    long v = 1;
    gort_chan_send(ch, &v);
    cell = 7;
    done();
}

static void chan_element_received(void)
{
    ch = chan(1);
    ch2 = chan(1);
    run_two(recv_cell, racy ? recv_cell_racy : write_cell_send);
}

static void select_send(void)
{
    long v = 1;
    gort_select_case k[] = {gort_select_send_case(ch, &v), gort_select_recv_case(ch2, NULL, NULL)};
    touch();
    gort_select(k, 2);
    done();
}

static void select_recv(void)
{
    long v;
    gort_select_case k[] = {gort_select_recv_case(ch2, NULL, NULL),
                            gort_select_recv_case(ch, &v, NULL)};
    if (racy)
        touch();
    gort_select(k, 2);
    if (!racy)
        touch();
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
    run_two(select_recv, select_send);
}

/* A goroutine that has its thread for itself waits in place. */
static void locked_touch_send(void)
{
    gort_lock_os_thread();
    touch_send();
}

static void locked_recv_touch(void)
{
    gort_lock_os_thread();
    recv_touch();
}

static void chan_locked(void)
{
    ch = chan(0);
    run_two(locked_recv_touch, locked_touch_send);
}

static void locked_touch_recv(void)
{
    gort_lock_os_thread();
    touch_recv();
}

static void chan_locked_back(void)
{
    ch = chan(0);
    run_two(locked_touch_recv, send_touch);
}
