/* sync.c: goroutines that lock, wait and signal in random order, and check that nothing was lost.
 *
 * usage: sync SEED SECONDS. Each round draws the number of goroutines and processors, and for each
 * goroutine what it does next: sections under mutexes whose counters must add up, readers and
 * writers that must not meet, permits that must not multiply, a bounded queue on two conditions, a
 * pool whose items must have one user, onces that must run once, and wait groups on stacks.
 */
#include <gort.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 16, ROOM = 3, PERMITS = 4 };

#define must(x)                                                                                    \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fprintf(stderr, "sync.c:%d: seed %llu: " #x "\n", __LINE__, seed);                     \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

static unsigned long long seed;

static struct {
    gort_mutex mutex;
    long sum; /* under mutex */
    gort_rwmutex rw;
    long readers, writers; /* atomic */
    gort_once once;
    long onces; /* atomic */
} slots[SLOTS];

static struct {
    gort_mutex mutex;
    gort_cond full, empty;
    long filled, put, got;
} queue;

static gort_sema permits = GORT_SEMA_INIT(PERMITS);
static long inside, sum;
static gort_waitgroup all;

struct item {
    long users;
};
static void *make_item(void)
{
    return gort_alloc(sizeof(struct item));
}
static gort_pool pool = {make_item, NULL};

static unsigned draw(unsigned long long *s, unsigned n)
{
    *s ^= *s >> 12;
    *s ^= *s << 25;
    *s ^= *s >> 27;
    return (unsigned)((*s * 0x2545F4914F6CDD1DULL) >> 33) % n;
}

/* Something that takes a moment, and may give way or sleep. */
static void linger(unsigned long long *s)
{
    unsigned k = draw(s, 200);
    if (k == 0)
        gort_sleep(draw(s, 100) * 1000);
    else if (k < 12)
        gort_gosched();
    else
        for (unsigned i = draw(s, 60); i > 0; i--)
            __asm__ volatile("" ::: "memory");
}

static void count_once(void *arg)
{
    __atomic_fetch_add((long *)arg, 1, __ATOMIC_RELAXED);
}

static void lock_something(unsigned long long *s)
{
    unsigned i = draw(s, SLOTS) & draw(s, SLOTS); /* some more often than others */
    if (draw(s, 8) != 0)
        gort_mutex_lock(&slots[i].mutex);
    else if (!gort_mutex_trylock(&slots[i].mutex))
        return;
    slots[i].sum++;
    __atomic_fetch_add(&sum, 1, __ATOMIC_RELAXED);
    linger(s);
    gort_mutex_unlock(&slots[i].mutex);
}

static void read_something(unsigned long long *s)
{
    unsigned i = draw(s, SLOTS) & draw(s, SLOTS);
    if (draw(s, 8) != 0)
        gort_rwmutex_rlock(&slots[i].rw);
    else if (!gort_rwmutex_tryrlock(&slots[i].rw))
        return;
    __atomic_fetch_add(&slots[i].readers, 1, __ATOMIC_SEQ_CST);
    must(__atomic_load_n(&slots[i].writers, __ATOMIC_SEQ_CST) == 0);
    linger(s);
    __atomic_fetch_sub(&slots[i].readers, 1, __ATOMIC_SEQ_CST);
    gort_rwmutex_runlock(&slots[i].rw);
}

static void write_something(unsigned long long *s)
{
    unsigned i = draw(s, SLOTS) & draw(s, SLOTS);
    if (draw(s, 8) != 0)
        gort_rwmutex_lock(&slots[i].rw);
    else if (!gort_rwmutex_trylock(&slots[i].rw))
        return;
    must(__atomic_fetch_add(&slots[i].writers, 1, __ATOMIC_SEQ_CST) == 0);
    must(__atomic_load_n(&slots[i].readers, __ATOMIC_SEQ_CST) == 0);
    linger(s);
    __atomic_fetch_sub(&slots[i].writers, 1, __ATOMIC_SEQ_CST);
    gort_rwmutex_unlock(&slots[i].rw);
}

static void take_permit(unsigned long long *s)
{
    if (draw(s, 8) != 0)
        gort_sema_acquire(&permits);
    else if (!gort_sema_tryacquire(&permits))
        return;
    must(__atomic_add_fetch(&inside, 1, __ATOMIC_SEQ_CST) <= PERMITS);
    linger(s);
    __atomic_fetch_sub(&inside, 1, __ATOMIC_SEQ_CST);
    gort_sema_release(&permits);
}

static void use_item(unsigned long long *s)
{
    struct item *a = gort_pool_get(&pool), *b = gort_pool_get(&pool);
    must(__atomic_fetch_add(&a->users, 1, __ATOMIC_SEQ_CST) == 0);
    must(__atomic_fetch_add(&b->users, 1, __ATOMIC_SEQ_CST) == 0);
    linger(s);
    must(__atomic_sub_fetch(&a->users, 1, __ATOMIC_SEQ_CST) == 0);
    must(__atomic_sub_fetch(&b->users, 1, __ATOMIC_SEQ_CST) == 0);
    gort_pool_put(&pool, a);
    gort_pool_put(&pool, b);
}

static void helper(gort_waitgroup *wg, long *n, unsigned long long s)
{
    linger(&s);
    __atomic_fetch_add(n, 1, __ATOMIC_RELAXED);
    gort_waitgroup_done(wg);
}

/* A wait group on this stack, which is overwritten as soon as the wait is over. */
static __attribute__((noinline)) void fork_and_wait(unsigned long long *s)
{
    gort_waitgroup wg = {0};
    long n = 0, want = draw(s, 5);
    gort_waitgroup_add(&wg, (int)want);
    for (long i = 0; i < want; i++)
        gort_go(helper, &wg, &n, *s + (unsigned long long)i);
    gort_waitgroup_wait(&wg);
    must(n == want);
    memset(&wg, 0xff, sizeof wg);
    __asm__ volatile("" : : "r"(&wg) : "memory");
}

/* Each puts one and takes one, so that all get through. */
static void through_queue(unsigned long long *s)
{
    gort_mutex_lock(&queue.mutex);
    while (queue.filled == ROOM)
        gort_cond_wait(&queue.full, &queue.mutex);
    queue.filled++;
    queue.put++;
    if (draw(s, 4) != 0)
        gort_cond_signal(&queue.empty);
    gort_mutex_unlock(&queue.mutex);
    gort_cond_broadcast(&queue.empty);
    linger(s);
    gort_mutex_lock(&queue.mutex);
    while (queue.filled == 0)
        gort_cond_wait(&queue.empty, &queue.mutex);
    queue.filled--;
    queue.got++;
    gort_cond_signal(&queue.full);
    gort_mutex_unlock(&queue.mutex);
}

static void goroutine(unsigned long long s, unsigned rounds)
{
    for (unsigned i = 0; i < rounds; i++) {
        unsigned slot = draw(&s, SLOTS);
        switch (draw(&s, 8)) {
        case 0:
        case 1:
            lock_something(&s);
            break;
        case 2:
            read_something(&s);
            break;
        case 3:
            write_something(&s);
            break;
        case 4:
            take_permit(&s);
            break;
        case 5:
            use_item(&s);
            break;
        case 6:
            through_queue(&s);
            gort_once_do(&slots[slot].once, count_once, &slots[slot].onces);
            break;
        default:
            fork_and_wait(&s);
            break;
        }
    }
    gort_waitgroup_done(&all);
}

static void one_round(unsigned long long *s)
{
    unsigned n = 1 + draw(s, draw(s, 3) == 0 ? 500 : 30);
    gort_gomaxprocs(1 + (int)draw(s, 4));
    memset(slots, 0, sizeof slots);
    memset(&queue, 0, sizeof queue);
    sum = 0;
    gort_waitgroup_add(&all, (int)n);
    for (unsigned i = 0; i < n; i++)
        gort_go(goroutine, *s * (i + 1) + 1, 1 + draw(s, 200));
    gort_waitgroup_wait(&all);
    long total = 0;
    for (int i = 0; i < SLOTS; i++) {
        total += slots[i].sum;
        must(slots[i].onces <= 1);
        must(gort_mutex_trylock(&slots[i].mutex) && gort_rwmutex_trylock(&slots[i].rw));
    }
    must(total == sum && inside == 0);
    must(queue.put == queue.got && queue.filled == 0);
    for (int i = 0; i < PERMITS; i++)
        must(gort_sema_tryacquire(&permits));
    must(!gort_sema_tryacquire(&permits));
    for (int i = 0; i < PERMITS; i++)
        gort_sema_release(&permits);
}

static int run(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    long seconds = argc > 2 ? strtol(argv[2], NULL, 10) : 2;
    unsigned long long s = seed * 2654435761u + 88172645463325252ULL;
    int64_t end = gort_nanotime() + seconds * 1000000000;
    int rounds = 0;
    do {
        one_round(&s);
        rounds++;
    } while (gort_nanotime() < end);
    printf("%d rounds\n", rounds);
    return 0;
}

GORT_MAIN(run)
