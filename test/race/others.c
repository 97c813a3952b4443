/* Time, descriptors, objects and threads, twice: so that no race may be reported, and so that one must be;
 * and memory that is used again, where none may be.
 */
// expect-re: ^[0-9]+ runs, all as expected$
// not: WARNING
// limit: 300
#include "cases.h"

/* ---- time */
static void fired(void *arg)
{
    (void)arg;
    touch(B);
    done();
}

static void timer_func(void)
{
    gort_waitgroup_add(&both, 1);
    if (!racy)
        touch(A);
    gort_after_func(1000, fired, NULL);
    if (racy)
        touch(A);
    gort_waitgroup_wait(&both);
}

static gort_timer *timer;
static void wait_timer(void)
{
    recv(gort_timer_chan(timer));
    touch(B);
    done();
}

static void timer_chan(void)
{
    gort_waitgroup_add(&both, 1);
    timer = gort_timer_new(INT64_MAX);
    gort_go(wait_timer);
    if (!racy)
        touch(A);
    gort_timer_reset(timer, 1000);
    if (racy)
        touch(A);
    gort_waitgroup_wait(&both);
}

static gort_context *ctx;
static void wait_ctx(void)
{
    recv(gort_context_done(ctx));
    touch(B);
    done();
}

static void cancel(void (*other)(void))
{
    gort_waitgroup_add(&both, 1);
    ctx = gort_context_with_cancel(gort_context_background());
    gort_go(other);
    if (!racy)
        touch(A);
    gort_context_cancel(ctx);
    if (racy)
        touch(A);
    gort_waitgroup_wait(&both);
}

static void context(void)
{
    cancel(wait_ctx);
}

static void poll_ctx(void)
{
    while (gort_context_err(ctx) == NULL)
        gort_gosched();
    touch(B);
    done();
}

static void context_err(void)
{
    cancel(poll_ctx);
}

/* ---- descriptors */
static int pipe_fd[2];
static char byte = 'x';
static _Alignas(8) char bytes[8];
static void touch_write(enum side s)
{
    touch(s);
    if (gort_write(pipe_fd[1], &byte, 1) != 1)
        abort();
    done();
}

static void read_touch(enum side s)
{
    char c;
    if (racy)
        touch(s);
    if (gort_read(pipe_fd[0], &c, 1) != 1)
        abort();
    if (!racy)
        touch(s);
    done();
}

static void netpoll(void)
{
    if (pipe(pipe_fd) != 0)
        abort();
    run_two(touch_write, read_touch);
}

static void netpoll_read_first(void)
{
    if (pipe(pipe_fd) != 0)
        abort();
    run_two_back(touch_write, read_touch);
}

static void read_bytes(enum side s)
{
    my_turn(s);
    if (gort_read(pipe_fd[0], bytes, sizeof bytes) != 1)
        abort();
    your_turn(s);
    done();
}

static void write_bytes(enum side s)
{
    if (!racy)
        bytes[0] = 1;
    if (gort_write(pipe_fd[1], &byte, 1) != 1)
        abort();
    if (racy) {
        my_turn(s);
        bytes[0] = 1;
        your_turn(s);
    }
    done();
}

static void read_buffer(void)
{
    if (pipe(pipe_fd) != 0)
        abort();
    run_two(read_bytes, write_bytes);
}

/* ---- objects */
typedef struct object {
    long *own;
    char rest[56];
} object;
static gort_mutex mu;
static int finalized;

static UNSEEN bool is_finalized(void)
{
    return __atomic_load_n(&finalized, __ATOMIC_RELAXED) != 0; /* orders nothing */
}

/* Finalizers run one after the other; the first touches what is shared. */
static void finalizer(void *arg)
{
    object *o = arg;
    o->own[0]++;
    if (is_finalized())
        return;
    if (!racy)
        gort_mutex_lock(&mu);
    shared++;
    __atomic_store_n(&finalized, 1, __ATOMIC_RELAXED);
    if (!racy)
        gort_mutex_unlock(&mu);
}

static void __attribute__((noinline)) use_object(struct object *o)
{
    o->own[0] = 5;
    o->rest[3] = 1;
}

/* Uses it last, in a goroutine that orders nothing afterwards. */
static void make_object(void)
{
    struct object *o = gort_new(object);
    o->own = gort_new_array(long, 1);
    gort_set_finalizer(o, finalizer);
    use_object(o);
    send(ch2);
    recv(ch);
}

static void finalizers(void)
{
    ch = chan(0);
    ch2 = chan(0);
    for (int i = 0; i < 8; i++)
        gort_go(make_object);
    for (int i = 0; i < 8; i++)
        recv(ch2);
    gort_chan_close(ch);
    while (!is_finalized()) {
        gort_gc();
        gort_sleep(100000);
    }
    if (!racy)
        gort_mutex_lock(&mu);
    shared++;
    if (!racy)
        gort_mutex_unlock(&mu);
}

/* ---- memory that is used again */
static void __attribute__((noinline)) scribble(int depth)
{
    volatile char block[600];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)depth;
    if (depth > 0)
        scribble(depth - 1);
    block[0]++;
}

static void deep(void)
{
    scribble(20);
    done();
}

static void stacks_again(void)
{
    for (int i = 0; i < 200; i++) {
        gort_waitgroup_add(&both, 1);
        gort_go(deep);
        if (i % 4 == 0)
            gort_waitgroup_wait(&both);
    }
    gort_waitgroup_wait(&both);
}

static void allocate(enum side s)
{
    for (int i = 0; i < 200; i++) {
        long *p = gort_new_array(long, 20);
        for (int k = 0; k < 20; k++)
            p[k] = i + (long)s;
        if (i % 50 == 0)
            gort_gc();
    }
    done();
}

static void heap_again(void)
{
    run_two(allocate, allocate);
}

static void __attribute__((noinline)) on_thread_stack(void *arg)
{
    scribble(10);
    *(volatile int *)arg = 1;
}

static void calls_c(enum side s)
{
    int n = 0;
    for (int i = 0; i < 20; i++) {
        gort_cgocall(on_thread_stack, &n);
        gort_gosched();
    }
    if (racy)
        touch(s);
    done();
}

static void cgocalls(void)
{
    run_two(calls_c, calls_c);
}

static void (*volatile deeper)(int depth);
static void __attribute__((noinline)) panics(int depth)
{
    volatile char block[100] = {0};
    if (depth == 0)
        gort_panic(gort_box(int, 1));
    deeper(depth - 1);
    block[0]++;
}

/* The tool's list of calls has room for 65536. */
static void recovers(enum side s)
{
    for (int i = 0; i < 10000; i++) {
        GORT_SCOPE
        {
            gort_defer(caught, NULL);
            panics(10);
        }
    }
    if (racy)
        touch(s);
    done();
}

static void recovered(void)
{
    deeper = panics;
    run_two(recovers, recovers);
}

/* ---- threads */
static void *attached(void *arg)
{
    gort_attach_thread();
    recv_touch(B);
    gort_detach_thread();
    return arg;
}

static void threads(void)
{
    pthread_t t;
    ch = chan(0);
    gort_waitgroup_add(&both, 2);
    if (pthread_create(&t, NULL, attached, NULL) != 0)
        abort();
    gort_go(touch_send, A);
    gort_waitgroup_wait(&both);
    gort_enter_syscall();
    pthread_join(t, NULL);
    gort_exit_syscall();
}

const struct test_case cases[] = {
    CASE(timer_func),
    CASE(timer_chan),
    CASE(context),
    CASE(context_err),
    CASE(netpoll),
    CASE(netpoll_read_first),
    CASE(read_buffer),
    CASE_OF(finalizers, CLEAN | A_FIRST),
    CASE_OF(stacks_again, CLEAN),
    CASE_OF(heap_again, CLEAN),
    CASE(cgocalls),
    CASE(recovered),
    CASE(threads),
};
const int ncases = sizeof cases / sizeof cases[0];
