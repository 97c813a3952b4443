/* timer_test.c: the heap of deadlines, against a list of what ought to be pending. */
#include "timer/timer.h"

#include "base/rand.h"
#include "conf/limits.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

enum { MANY = 1000 };

struct fixture {
    struct timer t;
    struct timers *home;
    int64_t when; /* what the model thinks */
    bool pending;
    int fired;
    int64_t fired_at;
};

static void on_fire(void *arg, int64_t now_ns)
{
    struct fixture *f = arg;
    f->fired++;
    f->fired_at = now_ns;
    f->pending = false;
}

static void arm(struct timers *ts, struct fixture *f, int64_t when)
{
    f->t.when_ns = f->when = when;
    f->t.fn = on_fire;
    f->t.arg = f;
    f->home = ts;
    f->pending = true;
    timer_start(ts, &f->t);
}

Test(timer, nothing_pending_means_no_deadline)
{
    struct timers ts;
    timers_init(&ts);
    cr_expect_eq(timers_next(&ts), INT64_MAX);
    cr_expect_eq(timers_count(&ts), 0);
    cr_expect_eq(timers_run(&ts, INT64_MAX - 1), 0);
    timers_check(&ts);
}

Test(timer, start_says_whether_it_is_the_earliest)
{
    struct timers ts;
    struct timer a = {.when_ns = 50, .fn = on_fire}, b = {.when_ns = 60, .fn = on_fire},
                 c = {.when_ns = 40, .fn = on_fire};
    timers_init(&ts);
    cr_expect(timer_start(&ts, &a));
    cr_expect_not(timer_start(&ts, &b));
    cr_expect(timer_start(&ts, &c));
    cr_expect_eq(timers_next(&ts), 40);
    timers_check(&ts);
}

Test(timer, fires_once_at_its_time_and_not_before)
{
    struct timers ts;
    struct fixture f = {0};
    timers_init(&ts);
    arm(&ts, &f, 100);
    cr_expect_eq(timers_run(&ts, 99), 0);
    cr_expect_eq(timers_run(&ts, 100), 1);
    cr_expect_eq(timers_run(&ts, 200), 0);
    cr_expect_eq(f.fired, 1);
    cr_expect_eq(f.fired_at, 100);
    cr_expect_not(timer_stop(&f.t));
    timers_check(&ts);
}

Test(timer, stop_is_true_once)
{
    struct timers ts;
    struct fixture f = {0};
    timers_init(&ts);
    arm(&ts, &f, 100);
    cr_expect(timer_stop(&f.t));
    cr_expect_not(timer_stop(&f.t));
    cr_expect_eq(timers_next(&ts), INT64_MAX);
    cr_expect_eq(timers_run(&ts, 200), 0);
    cr_expect_eq(f.fired, 0);
}

Test(timer, a_newcomer_that_is_stopped_never_reaches_the_heap)
{
    struct timers ts;
    struct fixture f = {0};
    timers_init(&ts);
    for (int i = 0; i < 100000; i++) {
        arm(&ts, &f, 1000 + i);
        cr_assert(timer_stop(&f.t));
    }
    cr_expect_eq(ts.cap, 0);
    timers_check(&ts);
}

static int64_t order[MANY * 2];
static int norder;
static void note_when(void *arg, int64_t now_ns)
{
    (void)now_ns;
    order[norder++] = (int64_t)(intptr_t)arg;
}

Test(timer, due_timers_fire_in_the_order_of_their_deadlines)
{
    struct timers ts;
    static struct timer t[MANY];
    uint64_t seed = 7;
    timers_init(&ts);
    for (int i = 0; i < MANY; i++) {
        t[i].when_ns = rand_below(&seed, 300);
        t[i].fn = note_when;
        t[i].arg = (void *)(intptr_t)t[i].when_ns;
        timer_start(&ts, &t[i]);
    }
    timers_check(&ts);
    cr_expect_eq(timers_run(&ts, 300), MANY);
    for (int i = 1; i < MANY; i++)
        cr_assert(order[i - 1] <= order[i]);
    cr_expect_eq(timers_next(&ts), INT64_MAX);
}

Test(timer, a_period_goes_on_and_skips_what_was_missed)
{
    struct timers ts;
    struct fixture f = {0};
    timers_init(&ts);
    f.t.period_ns = 10;
    arm(&ts, &f, 100);
    cr_expect_eq(timers_run(&ts, 100), 1);
    cr_expect_eq(timers_next(&ts), 110);
    cr_expect_eq(timers_run(&ts, 135), 1);
    cr_expect_eq(timers_next(&ts), 140);
    cr_expect(timer_stop(&f.t));
    cr_expect_eq(timers_run(&ts, 1000), 0);
    timers_check(&ts);
}

Test(timer, a_huge_period_does_not_overflow)
{
    struct timers ts;
    struct fixture f = {0};
    timers_init(&ts);
    f.t.period_ns = INT64_MAX - 1;
    arm(&ts, &f, 100);
    cr_expect_eq(timers_run(&ts, 100), 1);
    cr_expect_eq(f.t.when_ns, INT64_MAX);
    cr_expect(timer_stop(&f.t));
}

Test(timer, reset_moves_a_pending_timer_and_arms_an_idle_one)
{
    struct timers a, b;
    struct fixture f = {0};
    bool was;
    timers_init(&a);
    timers_init(&b);
    arm(&a, &f, 100);
    cr_expect(timer_reset(&b, &f.t, 50, 0, &was));
    cr_expect(was);
    cr_expect_eq(timers_count(&a), 0);
    cr_expect_eq(timers_next(&b), 50);
    cr_expect_eq(timers_run(&b, 50), 1);
    cr_expect(timer_reset(&b, &f.t, 70, 0, &was));
    cr_expect_not(was);
    timers_check(&a);
    timers_check(&b);
}

static struct timers again_ts;
static void start_again(void *arg, int64_t now_ns)
{
    struct fixture *f = arg;
    if (++f->fired < 3) {
        f->t.when_ns = now_ns;
        timer_start(&again_ts, &f->t);
    }
}

Test(timer, a_callback_may_start_its_own_timer)
{
    struct fixture f = {.t = {.when_ns = 5, .fn = start_again}};
    f.t.arg = &f;
    timers_init(&again_ts);
    timer_start(&again_ts, &f.t);
    for (int i = 0; i < 5; i++)
        timers_run(&again_ts, 10);
    cr_expect_eq(f.fired, 3);
    timers_check(&again_ts);
}

Test(timer, move_takes_everything_along)
{
    struct timers a, b;
    static struct fixture f[MANY];
    timers_init(&a);
    timers_init(&b);
    for (int i = 0; i < MANY; i++)
        arm(i % 3 == 0 ? &b : &a, &f[i], 1000 - i);
    timers_move(&b, &a);
    timers_check(&a);
    timers_check(&b);
    cr_expect_eq(timers_count(&a), 0);
    cr_expect_eq(timers_count(&b), MANY);
    cr_expect_eq(timers_next(&b), 1);
    for (int i = 0; i < MANY; i += 2)
        cr_expect(timer_stop(&f[i].t));
    timers_check(&b);
    cr_expect_eq(timers_run(&b, 1000), MANY / 2);
}

/* ---- random operations against the model */

static struct fixture model[200];

static void model_check(struct timers *ts, int n)
{
    int64_t next[2] = {INT64_MAX, INT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(model); i++) {
        int64_t *least = &next[load_rlx(&model[i].t.owner) == &ts[1]]; /* a reset may leave it */
        cr_assert_eq(model[i].pending, load_rlx(&model[i].t.owner) != NULL);
        if (model[i].pending && model[i].when < *least)
            *least = model[i].when;
    }
    for (int i = 0; i < n; i++) {
        timers_check(&ts[i]);
        cr_assert(timers_next(&ts[i]) <= next[i]);
    }
}

static void model_step(struct timers *ts, uint64_t *seed, int64_t *now)
{
    struct fixture *f = &model[rand_below(seed, ARRAY_LEN(model))];
    struct timers *to = &ts[rand_below(seed, 2)];
    int64_t when = *now + rand_below(seed, 1000);
    bool was;
    switch (rand_below(seed, 6)) {
    case 0:
    case 1:
        if (!f->pending)
            arm(to, f, when);
        break;
    case 2:
        cr_assert_eq(timer_stop(&f->t), f->pending);
        f->pending = false;
        break;
    case 3:
        f->t.fn = on_fire;
        f->t.arg = f;
        timer_reset(to, &f->t, when, 0, &was);
        cr_assert_eq(was, f->pending);
        f->pending = true;
        f->when = when;
        f->home = to;
        break;
    case 4:
        *now += rand_below(seed, 50);
        for (int i = 0; i < 2; i++)
            timers_run(&ts[i], *now);
        for (size_t i = 0; i < ARRAY_LEN(model); i++)
            cr_assert(!model[i].pending || model[i].when > *now);
        break;
    default:
        if (rand_below(seed, 50) == 0) {
            timers_move(&ts[1], &ts[0]);
            for (size_t i = 0; i < ARRAY_LEN(model); i++)
                model[i].home = &ts[1];
        }
    }
}

Test(timer, random_operations_agree_with_the_model)
{
    for (uint64_t run = 1; run <= 20; run++) {
        struct timers ts[2];
        uint64_t seed = run * 0x9E3779B97F4A7C15u;
        int64_t now = 0;
        timers_init(&ts[0]);
        timers_init(&ts[1]);
        memset(model, 0, sizeof model);
        for (int i = 0; i < 5000; i++) {
            model_step(ts, &seed, &now);
            if (i % 7 == 0)
                model_check(ts, 2);
        }
    }
}

/* ---- several threads */

static struct timers shared[2];
static struct timer contended[8];
static au64 nfired, nstopped, nstarted;

static void count_fired(void *arg, int64_t now_ns)
{
    (void)arg;
    (void)now_ns;
    add_rlx(&nfired, 1u);
}

static void *contend(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg;
    bool was;
    for (int i = 0; i < 200000; i++) {
        struct timer *t = &contended[rand_below(&seed, ARRAY_LEN(contended))];
        switch (rand_below(&seed, 4)) {
        case 0:
        case 1:
            timer_reset(&shared[rand_below(&seed, 2)], t, (int64_t)rand_below(&seed, 100) + i, 0,
                        &was);
            add_rlx(&nstarted, 1u);
            add_rlx(&nstopped, was ? 1u : 0u);
            break;
        case 2:
            add_rlx(&nstopped, timer_stop(t) ? 1u : 0u);
            break;
        default:
            if (rand_below(&seed, 100) == 0)
                timers_move(&shared[seed & 1], &shared[~seed & 1]);
            else
                timers_run(&shared[rand_below(&seed, 2)], i);
        }
    }
    return NULL;
}

Test(timer, every_start_ends_in_one_stop_or_one_firing)
{
    pthread_t th[4];
    timers_init(&shared[0]);
    timers_init(&shared[1]);
    for (size_t i = 0; i < ARRAY_LEN(contended); i++)
        contended[i].fn = count_fired;
    for (uintptr_t i = 0; i < ARRAY_LEN(th); i++)
        pthread_create(&th[i], NULL, contend, (void *)(i * 77 + 5));
    for (size_t i = 0; i < ARRAY_LEN(th); i++)
        pthread_join(th[i], NULL);
    timers_check(&shared[0]);
    timers_check(&shared[1]);
    timers_run(&shared[0], INT64_MAX - 1);
    timers_run(&shared[1], INT64_MAX - 1);
    cr_expect_eq(load_rlx(&nstarted), load_rlx(&nstopped) + load_rlx(&nfired));
}
