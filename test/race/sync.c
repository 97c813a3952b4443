/* The go statement, what orders nothing, and each primitive of sync, twice: used, so that no race may be
 * reported, and not used, so that one must be.
 */
// expect-re: ^[0-9]+ runs, all as expected$
// not: WARNING
// limit: 300
#include "cases.h"

static gort_mutex mu;

/* ---- go */
static void just_touch(enum side s)
{
    touch(s);
    done();
}

static void go_statement(void)
{
    gort_waitgroup_add(&both, 1);
    if (!racy)
        touch(A);
    gort_go(just_touch, B);
    if (racy)
        touch(A);
    gort_waitgroup_wait(&both);
}

static void waitgroup(void)
{
    gort_waitgroup_add(&both, 1);
    gort_go(just_touch, B);
    if (racy)
        touch(A);
    gort_waitgroup_wait(&both);
    touch(A);
}

/* ---- what orders nothing */
static void touch_and_yield(enum side s)
{
    gort_gosched();
    touch(s);
    for (int i = 0; i < 3; i++)
        gort_gosched();
    done();
}

static void yields(void)
{
    run_two(touch_and_yield, touch_and_yield);
}

static void touch_and_sleep(enum side s)
{
    gort_sleep(1000);
    touch(s);
    gort_sleep(1000);
    done();
}

static void sleeps(void)
{
    run_two(touch_and_sleep, touch_and_sleep);
}

/* ---- mutexes */
static void mutex_touch(enum side s)
{
    if (!racy)
        gort_mutex_lock(&mu);
    touch(s);
    gort_gosched();
    if (!racy)
        touch(s);
    if (!racy)
        gort_mutex_unlock(&mu);
    done();
}

static void mutex(void)
{
    run_two(mutex_touch, mutex_touch);
}

static void trylock_touch(enum side s)
{
    while (!gort_mutex_trylock(&mu))
        gort_gosched();
    if (!racy)
        touch(s);
    gort_mutex_unlock(&mu);
    if (racy)
        touch(s);
    done();
}

static void mutex_try(void)
{
    run_two(trylock_touch, mutex_touch);
}

static gort_rwmutex rw;
static void write_touch(enum side s)
{
    my_turn(s);
    gort_rwmutex_lock(&rw);
    gort_gosched();
    touch(s);
    gort_rwmutex_unlock(&rw);
    done();
}

static void touch_reading(enum side s)
{
    gort_rwmutex_rlock(&rw);
    gort_gosched();
    touch(s);
    gort_rwmutex_runlock(&rw);
    done();
}

/* Two readers are not ordered among each other. */
static void rwmutex_readers(void)
{
    run_two(touch_reading, touch_reading);
}

/* Racy is what stands outside the lock, on the side where the writer's is not seen: before, if that was first. */
static void read_only(enum side s)
{
    if (racy && first != s)
        touch(s);
    gort_rwmutex_rlock(&rw);
    (void)*(volatile long *)&shared;
    gort_rwmutex_runlock(&rw);
    if (racy && first == s)
        touch(s);
    done();
}

static void rwmutex(void)
{
    run_two_back(write_touch, read_only);
}

static void rwmutex_reader_first(void)
{
    run_two(write_touch, read_only);
}

/* ---- the others */
static gort_once once;
static void once_touch(void *arg)
{
    (void)arg;
    shared++;
    gort_gosched();
}

static void once_read(enum side s)
{
    gort_once_do(&once, once_touch, NULL);
    if (racy)
        touch(s);
    else
        (void)*(volatile long *)&shared;
    done();
}

static void onces(void)
{
    run_two(once_read, once_read);
}

static gort_cond cond;
static bool ready;
static void cond_wait(enum side s)
{
    gort_mutex_lock(&mu);
    while (!ready)
        gort_cond_wait(&cond, &mu);
    gort_mutex_unlock(&mu);
    touch(s);
    done();
}

static void cond_signal(enum side s)
{
    if (!racy)
        touch(s);
    gort_mutex_lock(&mu);
    ready = true;
    gort_cond_signal(&cond);
    gort_mutex_unlock(&mu);
    if (racy)
        touch(s);
    done();
}

static void conds(void)
{
    run_two(cond_wait, cond_signal);
}

static void conds_wait_first(void)
{
    run_two_back(cond_wait, cond_signal);
}

static gort_sema sema;
static void sema_up(enum side s)
{
    touch(s);
    gort_sema_release(&sema);
    done();
}

static void sema_down(enum side s)
{
    if (racy)
        touch(s);
    gort_sema_acquire(&sema);
    if (!racy)
        touch(s);
    done();
}

static void semas(void)
{
    run_two(sema_up, sema_down);
}

static void semas_down_first(void)
{
    run_two_back(sema_up, sema_down);
}

static gort_pool pool;
typedef struct item {
    long n;
} item;
static void pool_put(enum side s)
{
    item *mine = gort_new(item), *it = gort_new(item); /* the first stays with the processor */
    mine->n = 100;
    gort_pool_put(&pool, mine);
    it->n = 1;
    gort_pool_put(&pool, it);
    if (racy) {
        my_turn(s);
        it->n = 2;
        your_turn(s);
    }
    done();
}

static void pool_get(enum side s)
{
    item *it = NULL;
    my_turn(s);
    while (it == NULL || it->n >= 100) {
        it = gort_pool_get(&pool);
        gort_gosched();
    }
    it->n++;
    your_turn(s);
    done();
}

static void pools(void)
{
    gort_gomaxprocs(1); /* what a processor keeps for itself, another does not get */
    run_two(pool_put, pool_get);
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

static UNSEEN bool waits_late(void)
{
    char text[8192];
    text[gort_stack(text, sizeof text - 1, true)] = '\0';
    const char *waiting = strstr(text, "[semacquire");
    return waiting != NULL && strstr(waiting, "wait_late") != NULL;
}

/* Counting up from zero is to happen before the wait that it is for. */
static void wait_unordered(void)
{
    ch = chan(0);
    gort_waitgroup_add(&both, 1);
    gort_waitgroup_add(&late, 1);
    gort_go(wait_late);
    while (!waits_late())
        gort_gosched();
    gort_waitgroup_done(&late);
    while (__atomic_load_n(&returned, __ATOMIC_RELAXED) == 0)
        gort_gosched();
    if (!racy)
        recv(ch);
    gort_waitgroup_add(&late, 1);
    gort_waitgroup_done(&late);
    gort_waitgroup_wait(&both);
}

const struct test_case cases[] = {
    CASE(go_statement),
    CASE(waitgroup),
    CASE_OF(yields, RACY),
    CASE_OF(sleeps, RACY),
    CASE(mutex),
    CASE(mutex_try),
    CASE_OF(rwmutex_readers, RACY),
    CASE(rwmutex),
    CASE(rwmutex_reader_first),
    CASE(onces),
    CASE(conds),
    CASE(conds_wait_first),
    CASE(semas),
    CASE(semas_down_first),
    CASE(pools),
    CASE_OF(wait_unordered, CLEAN | A_FIRST),
};
const int ncases = sizeof cases / sizeof cases[0];
