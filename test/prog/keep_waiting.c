/* Pointers in a channel's buffer, in a select that waits, in the frame of a parked goroutine (its own, and
 * one that another goroutine wrote there), in the arguments of a goroutine that has not run, in a timer. */
// env: GODEBUG=clobberfree=1
// expect: channel buffer: kept
// expect: select: kept
// expect: frame of a parked goroutine: kept
// expect: written into a parked frame: kept
// expect: argument: kept
// expect: timer: kept
#include "keep.h"

typedef void *pointer;
GORT_TYPE_NOSCAN(int)

static gort_chan *go_on, *done, *full, *empty;
static secret **slot;
static _Atomic int waiting;

__attribute__((noinline)) static void fill(gort_chan *c)
{
    pointer p = secret_new("buffer");
    gort_chan_send(c, &p);
}

static void select_send(void)
{
    pointer p = secret_new("select");
    gort_select_case cases[] = {GORT_SEND(empty, &p), GORT_RECV(go_on, NULL)};
    waiting++;
    gort_select(cases, 2);
}

static void park_with_frame(void)
{
    secret *volatile mine = secret_new("frame"), *volatile theirs = NULL;
    slot = (secret **)&theirs;
    waiting++;
    gort_chan_recv(go_on, NULL);
    show("frame of a parked goroutine", mine, "frame");
    show("written into a parked frame", theirs, "theirs");
    gort_chan_send(done, &(int){0});
}

__attribute__((noinline)) static void write_there(void)
{
    *slot = secret_new("theirs");
    slot = NULL;
}

static void with_argument(secret *s)
{
    show("argument", s, "argument");
    gort_chan_send(done, &(int){0});
}

__attribute__((noinline)) static void start(void)
{
    gort_go(with_argument, secret_new("argument"));
}

static void on_timer(void *s)
{
    show("timer", s, "timer");
    gort_chan_send(done, &(int){0});
}

/* The timer itself is hidden: only that it is waited for may keep it. */
static uintptr_t hidden;

__attribute__((noinline)) static void arm(void)
{
    hidden = ~(uintptr_t)gort_after_func(INT64_MAX, on_timer, secret_new("timer"));
}

__attribute__((noinline)) static void fire(void)
{
    gort_timer_reset((gort_timer *)~hidden, 0);
}

static int run(int argc, char **argv)
{
    pointer p;
    (void)argc;
    (void)argv;
    go_on = gort_make_chan(int, 0);
    done = gort_make_chan(int, 0);
    full = gort_make_chan(pointer, 4);
    empty = gort_make_chan(pointer, 0);
    fill(full);
    gort_go(select_send);
    gort_go(park_with_frame);
    while (waiting < 2)
        gort_gosched();
    gort_gosched();
    write_there();
    arm();
    wipe_stack();
    collect();
    gort_chan_recv(full, &p);
    show("channel buffer", p, "buffer");
    gort_chan_recv(empty, &p);
    show("select", p, "select");
    gort_chan_send(go_on, &(int){0});
    gort_chan_recv(done, NULL);
    start();
    wipe_stack();
    collect();
    gort_chan_recv(done, NULL);
    fire();
    gort_chan_recv(done, NULL);
    return 0;
}
GORT_MAIN(run)
