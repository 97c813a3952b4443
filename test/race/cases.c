/* Each way in which one thing happens before another, twice: used, so that no race may be reported, and not
 * used, so that one must be; with one processor, where the two sides never run at the same time, and with
 * several. The program runs itself for each, and looks at what was printed.
 */
// expect-re: ^[0-9]+ runs, all as expected$
// not: WARNING
// limit: 300
#include "cases_chan.h"

/* ---- sync */
static void mutex_touch(void)
{
    if (!racy)
        gort_mutex_lock(&mu);
    touch();
    gort_gosched();
    touch();
    if (!racy)
        gort_mutex_unlock(&mu);
    done();
}

static void mutex(void)
{
    run_two(mutex_touch, mutex_touch);
}

static void trylock_touch(void)
{
    while (!gort_mutex_trylock(&mu))
        gort_gosched();
    if (!racy)
        touch();
    gort_mutex_unlock(&mu);
    if (racy)
        touch();
    done();
}

static void mutex_try(void)
{
    run_two(trylock_touch, mutex_touch);
}

static void write_touch(void)
{
    gort_rwmutex_lock(&rw);
    gort_gosched();
    touch();
    gort_rwmutex_unlock(&rw);
    done();
}

static void read_touch(void)
{
    gort_rwmutex_rlock(&rw);
    gort_gosched();
    if (racy)
        touch();
    else
        cell = shared;
    gort_rwmutex_runlock(&rw);
    done();
}

/* Two readers are not ordered among each other. */
static void rwmutex_readers(void)
{
    if (racy)
        run_two(read_touch, read_touch);
}

static void read_only(void)
{
    if (racy)
        touch();
    gort_rwmutex_rlock(&rw);
    (void)*(volatile int *)&shared;
    gort_rwmutex_runlock(&rw);
    if (racy)
        touch();
    done();
}

static void rwmutex(void)
{
    run_two(write_touch, read_only);
}

static void rwmutex_reader_first(void)
{
    run_two(read_only, write_touch);
}

static gort_once once;
static void once_touch(void *arg)
{
    (void)arg;
    touch();
    gort_gosched();
}

static void once_read(void)
{
    gort_once_do(&once, once_touch, NULL);
    if (racy)
        touch();
    (void)*(volatile int *)&shared;
    done();
}

static void onces(void)
{
    run_two(once_read, once_read);
}

static gort_cond cond;
static bool ready;
static void cond_wait(void)
{
    gort_mutex_lock(&mu);
    while (!ready)
        gort_cond_wait(&cond, &mu);
    gort_mutex_unlock(&mu);
    if (!racy)
        touch();
    done();
}

static void cond_signal(void)
{
    if (!racy)
        touch();
    gort_mutex_lock(&mu);
    ready = true;
    gort_cond_signal(&cond);
    gort_mutex_unlock(&mu);
    if (racy)
        touch();
    done();
}

static void touch_cond_wait(void)
{
    touch();
    cond_wait();
}

static void conds(void)
{
    run_two(racy ? touch_cond_wait : cond_wait, cond_signal);
}

static gort_sema sema;
static void sema_up(void)
{
    touch();
    gort_sema_release(&sema);
    done();
}

static void sema_down(void)
{
    if (racy)
        touch();
    gort_sema_acquire(&sema);
    if (!racy)
        touch();
    done();
}

static void semas(void)
{
    run_two(sema_up, sema_down);
}

static gort_pool pool;
typedef struct item {
    int n;
} item;
static void pool_put(void)
{
    item *mine = gort_new(item), *it = gort_new(item); /* the first stays with the processor */
    mine->n = 100;
    gort_pool_put(&pool, mine);
    it->n = 1;
    gort_pool_put(&pool, it);
    if (racy)
        it->n = 2;
    done();
}

static void pool_get(void)
{
    item *it = NULL;
    while (it == NULL || it->n >= 100) {
        it = gort_pool_get(&pool);
        gort_gosched();
    }
    it->n++;
    done();
}

static void pools(void)
{
    run_two(pool_put, pool_get);
}

/* ---- time */
static void fired(void *arg)
{
    (void)arg;
    touch();
    done();
}

static void timer_func(void)
{
    gort_waitgroup_add(&both, 1);
    if (!racy)
        touch();
    gort_after_func(1000, fired, NULL);
    if (racy)
        touch();
    gort_waitgroup_wait(&both);
}

static gort_timer *timer;
static void wait_timer(void)
{
    recv(gort_timer_chan(timer));
    touch();
    done();
}

static void timer_chan(void)
{
    gort_waitgroup_add(&both, 1);
    timer = gort_timer_new(INT64_MAX);
    gort_go(wait_timer);
    if (!racy)
        touch();
    gort_timer_reset(timer, 1000);
    if (racy)
        touch();
    gort_waitgroup_wait(&both);
}

static gort_context *ctx;
static void wait_ctx(void)
{
    recv(gort_context_done(ctx));
    touch();
    done();
}

static void context(void)
{
    gort_waitgroup_add(&both, 1);
    ctx = gort_context_with_cancel(gort_context_background());
    gort_go(wait_ctx);
    if (!racy)
        touch();
    gort_context_cancel(ctx);
    if (racy)
        touch();
    gort_waitgroup_wait(&both);
}

static void poll_ctx(void)
{
    while (gort_context_err(ctx) == NULL)
        gort_gosched();
    touch();
    done();
}

static void context_err(void)
{
    gort_waitgroup_add(&both, 1);
    ctx = gort_context_with_cancel(gort_context_background());
    gort_go(poll_ctx);
    if (!racy)
        touch();
    gort_context_cancel(ctx);
    if (racy)
        touch();
    gort_waitgroup_wait(&both);
}

/* ---- descriptors */
static char byte = 'x';
static void touch_write(void)
{
    touch();
    if (gort_write(pipe_fd[1], &byte, 1) != 1)
        abort();
    done();
}

static void read_touch_fd(void)
{
    char c;
    if (racy)
        touch();
    if (gort_read(pipe_fd[0], &c, 1) != 1)
        abort();
    if (!racy)
        touch();
    done();
}

static void netpoll(void)
{
    if (pipe(pipe_fd) != 0)
        abort();
    run_two(read_touch_fd, touch_write);
}

static char bytes[4];
static void read_bytes(void)
{
    if (gort_read(pipe_fd[0], bytes, sizeof bytes) != 1)
        abort();
    done();
}

static void write_bytes(void)
{
    if (racy)
        bytes[0] = 1;
    if (gort_write(pipe_fd[1], &byte, 1) != 1)
        abort();
    if (racy)
        bytes[0] = 1;
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
static int finalized;
static void finalizer(void *arg)
{
    object *o = arg;
    o->own[0]++;
    shared++;
    if (!racy)
        gort_mutex_lock(&mu);
    __atomic_store_n(&finalized, 1, __ATOMIC_RELAXED); /* orders nothing */
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

static bool is_finalized(void)
{
    gort_mutex_lock(&mu);
    bool is = __atomic_load_n(&finalized, __ATOMIC_RELAXED) != 0;
    gort_mutex_unlock(&mu);
    return is;
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
    touch();
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
    for (int i = 0; !racy && i < 200; i++) {
        gort_waitgroup_add(&both, 1);
        gort_go(deep);
        if (i % 4 == 0)
            gort_waitgroup_wait(&both);
    }
    gort_waitgroup_wait(&both);
}

static void allocate(void)
{
    for (int i = 0; i < 200; i++) {
        long *p = gort_new_array(long, 20);
        for (int k = 0; k < 20; k++)
            p[k] = i;
        if (i % 50 == 0)
            gort_gc();
    }
    done();
}

static void heap_again(void)
{
    if (!racy)
        run_two(allocate, allocate);
}

static void __attribute__((noinline)) on_thread_stack(void *arg)
{
    scribble(10);
    *(volatile int *)arg = 1;
}

static void calls_c(void)
{
    int n = 0;
    for (int i = 0; i < 20; i++) {
        gort_cgocall(on_thread_stack, &n);
        gort_gosched();
    }
    if (racy)
        touch();
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
static void recovers(void)
{
    for (int i = 0; i < 10000; i++) {
        GORT_SCOPE
        {
            gort_defer(caught, NULL);
            panics(10);
        }
    }
    if (racy)
        touch();
    done();
}

static void recovered(void)
{
    deeper = panics;
    run_two(recovers, recovers);
}

static void *attached(void *arg)
{
    gort_attach_thread();
    recv_touch();
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
    gort_go(touch_send);
    gort_waitgroup_wait(&both);
    gort_enter_syscall();
    pthread_join(t, NULL);
    gort_exit_syscall();
}

static gort_waitgroup late;
static int returned;
static void wait_late(void)
{
    gort_waitgroup_wait(&late);
    __atomic_store_n(&returned, 1, __ATOMIC_RELAXED); /* orders nothing */
    if (!racy)
        send(ch);
    done();
}

/* Counting up from zero is to happen before the wait that it is for. */
static void wait_unordered(void)
{
    ch = chan(0);
    gort_waitgroup_add(&both, 1);
    gort_waitgroup_add(&late, 1);
    gort_go(wait_late);
    for (int i = 0; i < 20; i++)
        gort_sleep(100000);
    gort_waitgroup_done(&late);
    while (__atomic_load_n(&returned, __ATOMIC_RELAXED) == 0)
        gort_gosched();
    if (!racy)
        recv(ch);
    gort_waitgroup_add(&late, 1);
    gort_waitgroup_done(&late);
    gort_waitgroup_wait(&both);
}

/* ---- */
enum { BOTH, ONLY_CLEAN, ONLY_RACY };
static const struct {
    const char *name;
    void (*fn)(void);
    int which;
} cases[] = {
#define CASE(name)                                                                                 \
    {                                                                                              \
#name, name, BOTH                                                                          \
    }
#define CASE_OF(name, of)                                                                          \
    {                                                                                              \
#name, name, of                                                                            \
    }
    CASE(go_statement),
    CASE(waitgroup),
    CASE_OF(yields, ONLY_RACY),
    CASE_OF(sleeps, ONLY_RACY),
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
    CASE(mutex),
    CASE(mutex_try),
    CASE_OF(rwmutex_readers, ONLY_RACY),
    CASE(rwmutex),
    CASE(rwmutex_reader_first),
    CASE(onces),
    CASE(conds),
    CASE(semas),
    CASE(pools),
    CASE(timer_func),
    CASE(timer_chan),
    CASE(context),
    CASE(context_err),
    CASE(netpoll),
    CASE(read_buffer),
    CASE(finalizers),
    CASE_OF(stacks_again, ONLY_CLEAN),
    CASE_OF(heap_again, ONLY_CLEAN),
    CASE(cgocalls),
    CASE(recovered),
    CASE(threads),
    CASE(wait_unordered),
};
enum { CASES = sizeof cases / sizeof cases[0] };

static int run_case(int argc, char **argv)
{
    (void)argc;
    racy = strcmp(argv[2], "racy") == 0;
    for (int i = 0; i < CASES; i++)
        if (strcmp(cases[i].name, argv[1]) == 0)
            cases[i].fn();
    return 0;
}

/* The wait status; what was printed is in text. */
static int run_self(const char *self, const char *name, const char *how, const char *procs,
                    char *text, size_t cap)
{
    int out[2], status;
    size_t len = 0;
    ssize_t n;
    if (pipe(out) != 0)
        abort();
    pid_t child = fork();
    if (child == 0) {
        dup2(out[1], 1);
        dup2(out[1], 2);
        close(out[0]);
        close(out[1]);
        setenv("GOMAXPROCS", procs, 1);
        setenv("GORACE", "atexit_sleep_ms=0", 1);
        unsetenv("TSAN_OPTIONS");
        alarm(60);
        execl(self, self, name, how, (char *)NULL);
        _exit(99);
    }
    close(out[1]);
    while ((n = read(out[0], text + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    close(out[0]);
    while (waitpid(child, &status, 0) < 0)
        continue;
    return status;
}

static bool expected(int status, const char *text, bool with_race)
{
    if (!with_race)
        return status == 0 && text[0] == '\0';
    return WIFEXITED(status) && WEXITSTATUS(status) == 66 &&
           strstr(text, "WARNING: DATA RACE\n") != NULL &&
           strstr(text, "Found 1 data race(s)\n") != NULL && strstr(text, "goroutine ") != NULL &&
           strstr(text, "failed to restore") == NULL && strstr(text, " created at:\n  ") != NULL &&
           strstr(text, "ThreadSanitizer") == NULL;
}

int main(int argc, char **argv)
{
    static const char *const procs[] = {"1", "4"};
    static char text[1 << 20];
    int runs = 0, wrong = 0;
    if (argc > 2)
        return gort_run(run_case, argc, argv);
    for (int i = 0; i < CASES; i++) {
        for (int k = 0; k < 4; k++) {
            bool with_race = (k & 1) != 0;
            if (cases[i].which == (with_race ? ONLY_CLEAN : ONLY_RACY))
                continue;
            const char *how = with_race ? "racy" : "clean";
            int status = run_self(argv[0], cases[i].name, how, procs[k >> 1], text, sizeof text);
            runs++;
            if (expected(status, text, with_race))
                continue;
            wrong++;
            printf("%s %s GOMAXPROCS=%s: wait status %#x\n%s\n", cases[i].name, how, procs[k >> 1],
                   status, text);
        }
    }
    printf(wrong == 0 ? "%d runs, all as expected\n" : "%d runs, some wrong\n", runs);
    return wrong != 0;
}
