/* mutex_test.c: both modes of the mutex, and every way into it. */
#include "sync_support.h"

enum { LOCKED = 1, WOKEN = 2, STARVING = 4, SHIFT = 3 };

static gort_mutex mu;
static long counter;
static gort_waitgroup wg;
static au32 step;

static uint32_t state(void)
{
    return load_seq(sync_u32(&mu.state_));
}

static void alone(void)
{
    gort_mutex_lock(&mu);
    cr_expect(state() == LOCKED);
    cr_expect(!gort_mutex_trylock(&mu));
    gort_mutex_unlock(&mu);
    cr_expect(state() == 0);
    cr_expect(gort_mutex_trylock(&mu));
    gort_mutex_unlock(&mu);
    mu.state_ = STARVING | 1 << SHIFT; /* free, but promised to somebody */
    cr_expect(!gort_mutex_trylock(&mu));
    mu.state_ = 0;
}

Test(mutex, without_competition_only_the_state_changes)
{
    cr_assert(in_gort(alone) == 0);
}

static void hammer(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        gort_mutex_lock(&mu);
        counter++;
        if (i % 64 == 0)
            gort_gosched(); /* with the mutex held: others pile up */
        gort_mutex_unlock(&mu);
        if (i % 16 == 0 && gort_mutex_trylock(&mu)) {
            counter++;
            counter--;
            gort_mutex_unlock(&mu);
        }
    }
    gort_waitgroup_done(&wg);
}

static void excludes(void)
{
    enum { GOROUTINES = 30, ROUNDS = 3000 };
    gort_waitgroup_add(&wg, GOROUTINES);
    for (int i = 0; i < GOROUTINES; i++)
        gort_go(hammer, ROUNDS);
    gort_waitgroup_wait(&wg);
    cr_expect(counter == GOROUTINES * ROUNDS);
    cr_expect(state() == 0 && mu.sema_ == 0, "%u %u", state(), mu.sema_);
    sema_check();
}

Test(mutex, excludes_all_others, .timeout = 120)
{
    cr_assert(in_gort(excludes) == 0);
}

static void lock_once(uint32_t id)
{
    gort_mutex_lock(&mu);
    store_seq(&step, load_seq(&step) * 10 + id);
    gort_mutex_unlock(&mu);
    gort_waitgroup_done(&wg);
}

/* A holder that keeps the mutex for longer than 1 ms makes the waiters starve: from then on they
 * get it in turn, and normal mode is back with the last. */
static void starving(void)
{
    gort_mutex_lock(&mu);
    gort_waitgroup_add(&wg, 4);
    for (uint32_t i = 1; i <= 4; i++) {
        gort_go(lock_once, i);
        until(sema_waiters(&mu.sema_) == i); /* the state counts it before it queues */
    }
    gort_sleep(5000000);
    cr_expect(state() == (LOCKED | 4 << SHIFT));
    gort_mutex_unlock(&mu);
    gort_waitgroup_wait(&wg);
    cr_expect(state() == 0);
    cr_expect(load_seq(&step) == 1234, "%u", load_seq(&step));
}

Test(mutex, waiters_get_it_in_turn)
{
    cr_assert(in_gort(starving) == 0);
}

/* One that never lets go for long: without starvation mode the other would wait for ever. */
static au32 stop;

static void greedy(void)
{
    while (load_seq(&stop) == 0) {
        gort_mutex_lock(&mu);
        int64_t start = gort_nanotime();
        while (gort_nanotime() - start < 100000)
            continue;
        gort_mutex_unlock(&mu);
    }
    gort_waitgroup_done(&wg);
}

static void fair(void)
{
    gort_waitgroup_add(&wg, 2);
    gort_go(greedy);
    gort_go(greedy);
    for (int i = 0; i < 20; i++) {
        gort_sleep(100000);
        gort_mutex_lock(&mu);
        gort_mutex_unlock(&mu);
    }
    store_seq(&stop, 1u);
    gort_waitgroup_wait(&wg);
    cr_expect(state() == 0);
}

Test(mutex, nobody_starves)
{
    cr_assert(in_gort(fair) == 0);
}

/* The states that an unlock may find, put there by hand. */
static void unlocks(void)
{
    mu.state_ = LOCKED | WOKEN | 2 << SHIFT; /* somebody is awake: nobody is woken */
    gort_mutex_unlock(&mu);
    cr_expect(mu.state_ == (WOKEN | 2 << SHIFT) && mu.sema_ == 0);
    mu.state_ = LOCKED | 2 << SHIFT; /* a waiter gets a permit and WOKEN */
    gort_mutex_unlock(&mu);
    cr_expect(mu.state_ == (WOKEN | 1 << SHIFT) && mu.sema_ == 1);
    mu.state_ = LOCKED | STARVING | 2 << SHIFT; /* a hand-off keeps the rest */
    gort_mutex_unlock(&mu);
    cr_expect(mu.state_ == (STARVING | 2 << SHIFT) && mu.sema_ == 2);
    mu = (gort_mutex){0};
}

Test(mutex, unlock_leaves_what_the_drawing_says)
{
    cr_assert(in_gort(unlocks) == 0);
}

static void taker(void)
{
    gort_mutex_lock(&mu);
    store_seq(&step, state());
    gort_mutex_unlock(&mu);
    gort_waitgroup_done(&wg);
}

/* A starving mutex is handed over; the waiter that came a moment ago ends starvation, and the last
 * one does so in any case. */
static void handed(void)
{
    for (int others = 0; others <= 1; others++) {
        gort_mutex_lock(&mu);
        gort_waitgroup_add(&wg, 1);
        gort_go(taker);
        until(sema_waiters(&mu.sema_) == 1);
        if (others) /* as if there were a second */
            add_seq(sync_u32(&mu.state_), 1u << SHIFT);
        or_seq(sync_u32(&mu.state_), (uint32_t)STARVING);
        gort_mutex_unlock(&mu);
        gort_waitgroup_wait(&wg);
        uint32_t seen = load_seq(&step);
        cr_expect((seen & LOCKED) != 0 && seen >> SHIFT == (uint32_t)others, "%u", seen);
        mu = (gort_mutex){0};
    }
}

Test(mutex, a_starving_mutex_is_handed_over)
{
    cr_assert(in_gort(handed) == 0);
}

static void unlock_free(void)
{
    gort_mutex_unlock(&mu);
}

static void unlock_free_program(void)
{
    in_gort(unlock_free);
}

static void awake_without_woken(void)
{
    gort_mutex_lock(&mu);
    gort_waitgroup_add(&wg, 1);
    gort_go(taker);
    until(sema_waiters(&mu.sema_) == 1);
    sema_release(&mu.sema_, SEMA_WAKE); /* nobody set WOKEN */
    gort_waitgroup_wait(&wg);
}

static void awake_without_woken_program(void)
{
    in_gort(awake_without_woken);
}

static void handed_while_locked(void)
{
    gort_mutex_lock(&mu);
    gort_waitgroup_add(&wg, 1);
    gort_go(taker);
    until(sema_waiters(&mu.sema_) == 1);
    or_seq(sync_u32(&mu.state_), (uint32_t)STARVING);
    sema_release(&mu.sema_, SEMA_HANDOFF); /* but it is still locked */
    gort_waitgroup_wait(&wg);
}

static void handed_while_locked_program(void)
{
    in_gort(handed_while_locked);
}

Test(mutex, misuse_is_fatal)
{
    expect_fatal(unlock_free_program, "sync: unlock of unlocked mutex");
    expect_fatal(awake_without_woken_program, "sync: inconsistent mutex state");
    expect_fatal(handed_while_locked_program, "sync: inconsistent mutex state");
}

/* An object that holds its own mutex is freed by whoever drops the last reference, while the unlock
 * of another may not have returned. Under AddressSanitizer this would be seen. */
struct object {
    gort_mutex mutex;
    int refs;
};

static void drop(struct object *o)
{
    gort_mutex_lock(&o->mutex);
    int left = --o->refs;
    gort_mutex_unlock(&o->mutex);
    if (left == 0) {
        memset(o, 0xff, sizeof *o);
        free(o);
    }
    gort_waitgroup_done(&wg);
}

static void freed(void)
{
    for (int i = 0; i < 2000; i++) {
        struct object *o = calloc(1, sizeof *o);
        o->refs = 5;
        gort_waitgroup_add(&wg, 5);
        for (int k = 0; k < 5; k++)
            gort_go(drop, o);
        gort_waitgroup_wait(&wg);
    }
}

Test(mutex, may_be_freed_after_the_last_unlock)
{
    cr_assert(in_gort(freed) == 0);
}
