/* sched.c: goroutines that do in random order whatever moves the scheduler, and add up in the end.
 *
 * usage: sched SEED SECONDS. Each round draws how many goroutines and processors there are, and each
 * goroutine draws what it does next: it starts others (and waits for them, or not), gives way, locks
 * itself to its thread and ends that way, calls C that blocks or calls back, changes GOMAXPROCS, sleeps
 * on timers, computes without a call, sleeps in the kernel without saying so, waits on channels, panics
 * and recovers, leaves by Goexit; threads of the program's own come, take part and go. Every errand must
 * be done once, every deferred function must run, nobody may be left over. A thread watches the clock and
 * aborts, with the seed, when nothing moves.
 */
#include <gort.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { STUCK_SECONDS = 25, DEPTH_MAX = 3, LIVE_MAX = 3000, THREADS = 3 };

#define must(x)                                                                                    \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "sched.c:%d: seed %llu: " #x "\n", __LINE__, seed);                    \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static unsigned long long seed;

static struct {
    gort_waitgroup all;
    gort_chan *pipe; /* whoever sends one receives one */
    long begun, ended, errands, panics, recovered, deferred, defers, timers, fired;
    long live;
} now;

static long beats; /* what the watchdog looks at */

static void add(long *n, long by)
{
    __atomic_fetch_add(n, by, __ATOMIC_SEQ_CST);
}

static long get(const long *n)
{
    return __atomic_load_n(n, __ATOMIC_SEQ_CST);
}

static unsigned draw(unsigned long long *s, unsigned n)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return (unsigned)((*s * 0x2545F4914F6CDD1DULL) >> 33) % n;
}

/* ---- errands */

static void compute(unsigned long loops)
{
    for (unsigned long i = 0; i < loops; i++)
        __asm__ volatile("" ::: "memory");
}

/* What no library of ours sees. It may be cut short by nobody. */
static void sleep_unannounced(long ns)
{
    struct timespec t = {0, ns}, left = {0, 0};
    long r = syscall(SYS_nanosleep, &t, &left);
    must(r == 0 || errno == EINTR);
}

static void count_fired(void *n)
{
    add(n, 1);
}

static void timers(unsigned long long *s)
{
    gort_timer *t = gort_after_func(draw(s, 300) * 1000, count_fired, &now.fired);
    add(&now.timers, 1);
    if (draw(s, 2) == 0)
        gort_sleep(draw(s, 200) * 1000);
    if (draw(s, 2) == 0 && gort_timer_stop(t))
        add(&now.timers, -1);
}

struct call {
    unsigned long long s;
    int errno_in;
};

static void in_c(void *arg)
{
    struct call *c = arg;
    switch (draw(&c->s, 4)) {
    case 0:
        sleep_unannounced(draw(&c->s, 300) * 1000);
        break;
    case 1:
        gort_gosched();
        break;
    case 2:
        gort_sleep(draw(&c->s, 100) * 1000);
        break;
    default:
        compute(draw(&c->s, 20000));
        break;
    }
    c->errno_in = 0;
}

static void call_c(unsigned long long *s)
{
    struct call c = {*s, 1};
    gort_cgocall(in_c, &c);
    must(c.errno_in == 0);
}

static void keep_errno(unsigned long long *s)
{
    int mine = 1000 + (int)draw(s, 1000);
    errno = mine;
    for (unsigned i = draw(s, 4); i > 0; i--)
        gort_gosched();
    must(errno == mine);
}

static void stay_on_thread(unsigned long long *s)
{
    long before;
    gort_lock_os_thread();
    before = syscall(SYS_gettid);
    for (unsigned i = draw(s, 5); i > 0; i--) {
        gort_gosched();
        if (draw(s, 8) == 0)
            gort_sleep(draw(s, 50) * 1000);
        must(syscall(SYS_gettid) == before);
    }
    gort_unlock_os_thread();
}

static void deferred(void *arg)
{
    (void)arg;
    add(&now.deferred, 1);
}

static void panics(void *arg)
{
    unsigned long long *s = arg;
    GORT_SCOPE
    {
        gort_defer(deferred, NULL);
        add(&now.defers, 1);
        if (draw(s, 2) == 0)
            gort_gosched();
        add(&now.panics, 1);
        gort_panic(gort_any_string("on purpose"));
    }
}

static void swap_one(unsigned long long *s)
{
    int v = (int)draw(s, 100);
    gort_chan_send(now.pipe, &v);
    gort_chan_recv(now.pipe, &v);
}

static void announced(unsigned long long *s)
{
    gort_enter_syscall();
    sleep_unannounced(draw(s, 100) * 1000);
    gort_exit_syscall();
}

static void errand(unsigned long long *s)
{
    gort_any v;
    switch (draw(s, 40)) {
    case 0:
        gort_gomaxprocs(1 + (int)draw(s, 6));
        break;
    case 1:
        compute(draw(s, 16) == 0 ? 30000000 : 300000);
        break;
    case 2:
        sleep_unannounced(draw(s, 16) == 0 ? 15000000 : draw(s, 500) * 1000);
        break;
    case 3:
    case 4:
        timers(s);
        break;
    case 5:
    case 6:
        call_c(s);
        break;
    case 7:
    case 8:
        stay_on_thread(s);
        break;
    case 9:
    case 10:
        if (gort_try(panics, s, &v))
            add(&now.recovered, 1);
        break;
    case 11:
        announced(s);
        break;
    case 12:
    case 13:
        gort_sleep(draw(s, 300) * 1000);
        break;
    default:
        if (draw(s, 4) == 0)
            swap_one(s);
        else if (draw(s, 2) == 0)
            keep_errno(s);
        else
            gort_gosched();
        break;
    }
    add(&now.errands, 1);
    add(&beats, 1);
}

/* ---- goroutines */

static void goroutine(unsigned long long s, unsigned depth, gort_waitgroup *parent);

static void start(unsigned long long *s, unsigned depth, gort_waitgroup *parent)
{
    if (depth >= DEPTH_MAX || get(&now.live) > LIVE_MAX)
        return;
    gort_waitgroup_add(&now.all, 1);
    if (parent != NULL)
        gort_waitgroup_add(parent, 1);
    add(&now.begun, 1);
    add(&now.live, 1);
    *s = *s * 6364136223846793005ULL + 1442695040888963407ULL;
    gort_go(goroutine, *s | 1, depth + 1, parent);
}

static void fork_and_wait(unsigned long long *s, unsigned depth)
{
    gort_waitgroup wg = {0};
    for (unsigned i = draw(s, 4); i > 0; i--)
        start(s, depth, &wg);
    gort_waitgroup_wait(&wg);
    memset(&wg, 0xff, sizeof wg);
    __asm__ volatile("" : : "r"(&wg) : "memory");
}

static void leave(void *arg)
{
    gort_waitgroup *parent = arg;
    add(&now.ended, 1);
    add(&now.live, -1);
    if (parent != NULL)
        gort_waitgroup_done(parent);
    gort_waitgroup_done(&now.all);
}

static void goroutine(unsigned long long s, unsigned depth, gort_waitgroup *parent)
{
    GORT_SCOPE
    {
        gort_defer(leave, parent);
        for (unsigned i = draw(&s, 30); i > 0; i--) {
            errand(&s);
            if (draw(&s, 12) == 0)
                start(&s, depth, NULL);
            if (draw(&s, 20) == 0)
                fork_and_wait(&s, depth);
        }
        switch (draw(&s, 12)) {
        case 0:
            gort_lock_os_thread(); /* and ends with its thread */
            break;
        case 1:
            gort_lock_os_thread();
            gort_goexit();
        case 2:
        case 3:
            gort_goexit();
        default:
            break;
        }
    }
}

/* ---- threads of the program's own */

static void *stranger(void *arg)
{
    unsigned long long s = *(unsigned long long *)arg;
    for (unsigned i = 1 + draw(&s, 3); i > 0; i--) {
        must(gort_attach_thread());
        for (unsigned k = draw(&s, 20); k > 0; k--) {
            if (draw(&s, 4) == 0)
                start(&s, 0, NULL);
            else
                errand(&s);
        }
        gort_detach_thread();
        compute(draw(&s, 100000));
    }
    return NULL;
}

/* ---- rounds */

static void one_round(unsigned long long *s)
{
    pthread_t threads[THREADS];
    unsigned long long seeds[THREADS];
    unsigned nthreads = draw(s, THREADS + 1), n = 1 + draw(s, draw(s, 4) == 0 ? 400 : 20);
    memset(&now, 0, sizeof now);
    now.pipe = gort_make_chan(int, LIVE_MAX * 2 + 1000);
    gort_gomaxprocs(1 + (int)draw(s, 4));
    gort_waitgroup_add(&now.all, 1);
    for (unsigned i = 0; i < nthreads; i++) {
        seeds[i] = *s * (i + 3) + 1;
        must(pthread_create(&threads[i], NULL, stranger, &seeds[i]) == 0);
    }
    for (unsigned i = 0; i < n; i++)
        start(s, 0, NULL);
    for (unsigned i = 0; i < nthreads; i++) {
        gort_enter_syscall();
        must(pthread_join(threads[i], NULL) == 0);
        gort_exit_syscall();
    }
    gort_waitgroup_done(&now.all);
    gort_waitgroup_wait(&now.all);
    must(now.begun == now.ended && now.live == 0);
    must(now.panics == now.recovered && now.defers == now.deferred && now.panics == now.defers);
    must(gort_chan_len(now.pipe) == 0);
    while (get(&now.fired) < get(&now.timers)) {
        gort_sleep(100000);
        add(&beats, 0);
    }
    must(now.fired == now.timers);
    while (gort_num_goroutine() > 1) /* the last steps of the last ones, and callbacks of timers */
        gort_gosched();
}

static void *watch(void *arg)
{
    long seen = -1, still = 0;
    (void)arg;
    for (;;) {
        struct timespec second = {1, 0};
        syscall(SYS_nanosleep, &second, NULL);
        long b = get(&beats);
        still = b == seen ? still + 1 : 0;
        seen = b;
        if (still < STUCK_SECONDS)
            continue;
        fprintf(stderr, "sched.c: seed %llu: nothing moves: begun %ld ended %ld\n", seed, now.begun,
                now.ended);
        if (getenv("STRESS_WAIT") != NULL) /* for a debugger */
            pause();
        abort();
    }
    return NULL;
}

static int run(int argc, char **argv)
{
    pthread_t t;
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    long seconds = argc > 2 ? strtol(argv[2], NULL, 10) : 2;
    unsigned long long s = seed * 2654435761u + 88172645463325252ULL;
    must(pthread_create(&t, NULL, watch, NULL) == 0);
    int64_t end = gort_nanotime() + seconds * 1000000000;
    int rounds = 0;
    do {
        one_round(&s);
        rounds++;
        add(&beats, 1);
    } while (gort_nanotime() < end);
    printf("%d rounds\n", rounds);
    return 0;
}

GORT_MAIN(run)
