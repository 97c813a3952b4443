/* Every way of waiting for another goroutine is in the block profile, under the function that waited; sleeping
 * and input are not. */
// link: -lz
// cflags: -fno-optimize-sibling-calls -fno-ipa-icf
// limit: 60
// no-fault: open_file
// expect: receive: 2 waits of at least 2 ms
// expect: send: 1 waits of at least 2 ms
// expect: select: 1 waits of at least 2 ms
// expect: mutex: 1 waits of at least 2 ms
// expect: read lock: 1 waits of at least 2 ms
// expect: write lock: 1 waits of at least 2 ms
// expect: wait group: 1 waits of at least 2 ms
// expect: condition: 1 waits of at least 2 ms
// expect: semaphore: 1 waits of at least 2 ms
// expect: sleep and read: 0
// expect: records agree: 9 stacks or more
// expect: the text begins as Go's
// expect: nothing more once it is off
#include "await.h"
#include "pprof_reader.h"

#include <gort/prof.h>

#define MS 1000000l

static gort_chan *c;
static gort_mutex mutex;
static gort_rwmutex rw;
static gort_waitgroup group, started;
static gort_cond cond;
static gort_sema sema;
static int pipes[2];

/* What waits, and what ends it after everybody is seen waiting. */
static __attribute__((noinline)) void receive(void)
{
    int v;
    gort_chan_recv(c, &v);
}
static __attribute__((noinline)) void send(void)
{
    int v = 1;
    gort_chan_send(c, &v);
}
static __attribute__((noinline)) void choose(void)
{
    int v;
    gort_select_case k = {.dir = GORT_SELECT_RECV, .chan = c, .elem.dst = &v};
    gort_select(&k, 1);
}
static __attribute__((noinline)) void lock_mutex(void)
{
    gort_mutex_lock(&mutex);
    gort_mutex_unlock(&mutex);
}
static __attribute__((noinline)) void lock_read(void)
{
    gort_rwmutex_rlock(&rw);
    gort_rwmutex_runlock(&rw);
}
static __attribute__((noinline)) void lock_write(void)
{
    gort_rwmutex_lock(&rw);
    gort_rwmutex_unlock(&rw);
}
static __attribute__((noinline)) void wait_group(void)
{
    gort_waitgroup_wait(&group);
}
static __attribute__((noinline)) void wait_cond(void)
{
    gort_mutex_lock(&mutex);
    gort_cond_wait(&cond, &mutex);
    gort_mutex_unlock(&mutex);
}
static __attribute__((noinline)) void take_sema(void)
{
    gort_sema_acquire(&sema);
}
static __attribute__((noinline)) void sleep_and_read(void)
{
    char b;
    gort_sleep(MS);
    if (gort_read(pipes[0], &b, 1) != 1) {
        perror("gort_read");
        exit(1);
    }
}

static void waiter(void *what)
{
    ((void (*)(void))(uintptr_t)what)();
    gort_waitgroup_done(&started);
}

static void start_any(void (*what)(void), const char *reason, const char *other)
{
    gort_waitgroup_add(&started, 1);
    gort_go(waiter, (void *)(uintptr_t)what);
    await_any(reason, other, 1);
    gort_sleep(2 * MS);
}

static void start(void (*what)(void), const char *reason)
{
    start_any(what, reason, NULL);
}

static void all_kinds(void)
{
    int v = 0;
    start(receive, "[chan receive]");
    gort_chan_send(c, &v);
    start(receive, "[chan receive]");
    gort_chan_send(c, &v);
    start(send, "[chan send]");
    gort_chan_recv(c, &v);
    start(choose, "[select]");
    gort_chan_send(c, &v);
    gort_mutex_lock(&mutex);
    start(lock_mutex, "[sync.Mutex.Lock]");
    gort_mutex_unlock(&mutex);
    gort_rwmutex_lock(&rw);
    start(lock_read, "[sync.RWMutex.RLock]");
    gort_rwmutex_unlock(&rw);
    gort_rwmutex_rlock(&rw);
    start(lock_write, "[sync.RWMutex.Lock]");
    gort_rwmutex_runlock(&rw);
    gort_waitgroup_add(&group, 1);
    start(wait_group, "[semacquire]");
    gort_waitgroup_done(&group);
    gort_waitgroup_wait(&started);
    start(wait_cond, "[sync.Cond.Wait]");
    gort_cond_signal(&cond);
    start(take_sema, "[semacquire]");
    gort_sema_release(&sema);
    start_any(sleep_and_read, "[IO wait]", "[syscall]"); /* so where the poller refused the pipe */
    if (gort_write(pipes[1], "", 1) != 1) {
        perror("gort_write");
        exit(1);
    }
}

static void say(const struct pprof_file *f, const char *what, const char *calls)
{
    long n = pprof_sum(f, "contentions", calls), ns = pprof_sum(f, "delay", calls);
    printf("%s: %ld waits of %s 2 ms\n", what, n, n > 0 && ns >= n * 2 * MS ? "at least" : "not");
}

static int records(void)
{
    static gort_block_profile_record r[100];
    int n = 0;
    if (gort_block_profile(r, 0, &n) || n == 0 || !gort_block_profile(r, 100, &n))
        return -1;
    for (int i = 0; i < n; i++)
        if (r[i].count < 1 || r[i].cycles < 1 || r[i].stack0[0] == 0)
            return -1;
    return n;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    c = gort_chan_make(gort_typeof(int), 0);
    if (pipe(pipes) != 0)
        return 1;
    gort_set_block_profile_rate(1);
    all_kinds();
    gort_waitgroup_wait(&started);
    gort_set_block_profile_rate(0);
    const struct pprof_file *f = pprof_of("block");
    say(f, "receive", "gort_chan_recv;receive;");
    say(f, "send", "gort_chan_send;send;");
    say(f, "select", "gort_select;choose;");
    say(f, "mutex", "gort_mutex_lock;lock_mutex;");
    say(f, "read lock", "gort_rwmutex_rlock;lock_read;");
    say(f, "write lock", "gort_rwmutex_lock;lock_write;");
    say(f, "wait group", "gort_waitgroup_wait;wait_group;");
    say(f, "condition", "gort_cond_wait;wait_cond;");
    say(f, "semaphore", "gort_sema_acquire;take_sema;");
    printf("sleep and read: %ld\n", pprof_sum(f, "contentions", "sleep_and_read;"));
    printf("records agree: %s\n", records() >= 9 ? "9 stacks or more" : "no");
    const char *text = pprof_text("block", 1);
    long hz, cycles, n;
    int end = 0;
    bool good = sscanf(text, "--- contention:\ncycles/second=%ld\n%ld %ld @ 0x%n", &hz, &cycles, &n,
                       &end) == 3;
    printf("the text begins %s\n",
           good && end > 0 && hz > MS && cycles > 0 && n > 0 ? "as Go's" : text);
    int before = records();
    start(take_sema, "[semacquire]");
    gort_sema_release(&sema);
    gort_waitgroup_wait(&started);
    printf("%s once it is off\n",
           records() == before && pprof_sum(pprof_of("block"), "contentions", "take_sema;") == 1
               ? "nothing more"
               : "more");
    return 0;
}

GORT_MAIN(run)
