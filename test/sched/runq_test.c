/* runq_test.c: the ring of one P, and theft, step by step and under fire. */
#include "sched/sched_int.h"
#include "support.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>

static struct p *new_p(void)
{
    return aligned_alloc(64, (sizeof(struct p) + 63) / 64 * 64);
}

static struct g gs[4 * RUNQ_CAP + 4];

static struct p *empty_p(void)
{
    struct p *p = new_p();
    __builtin_memset(p, 0, sizeof *p);
    store_rlx(&sched.nps, 1u);
    return p;
}

Test(runq, is_first_in_first_out)
{
    struct p *p = empty_p();
    cr_expect(runq_empty(p));
    for (uint32_t i = 0; i < RUNQ_CAP; i++)
        runq_put(p, &gs[i]);
    cr_expect_eq(runq_len(p), RUNQ_CAP);
    for (uint32_t i = 0; i < RUNQ_CAP; i++)
        cr_expect_eq(runq_get(p), &gs[i]);
    cr_expect_null(runq_get(p));
    cr_expect(runq_empty(p));
}

Test(runq, next_kicks_the_old_next_to_the_tail)
{
    struct p *p = empty_p();
    runq_put_next(p, &gs[0]);
    cr_expect_not(runq_empty(p));
    runq_put_next(p, &gs[1]);
    cr_expect_eq(runq_get_next(p), &gs[1]);
    cr_expect_null(runq_get_next(p));
    cr_expect_eq(runq_get(p), &gs[0]);
}

Test(runq, a_full_ring_moves_half_to_the_global_queue)
{
    struct p *p = empty_p();
    for (uint32_t i = 0; i <= RUNQ_CAP; i++)
        runq_put(p, &gs[i]);
    cr_expect_eq(load_rlx(&sched.runq_size), RUNQ_CAP / 2 + 1);
    cr_expect_eq(runq_len(p), RUNQ_CAP / 2);
    lock(&sched.lock);
    cr_expect_eq(global_get_locked(p, 1), &gs[0], "the oldest first");
    unlock(&sched.lock);
}

Test(runq, the_global_queue_gives_a_share)
{
    struct p *p = empty_p();
    store_rlx(&sched.nps, 2u);
    for (uint32_t i = 0; i < 4; i++)
        global_put(&gs[i]);
    lock(&sched.lock);
    struct g *g = global_get_locked(p, 0);
    unlock(&sched.lock);
    cr_expect_eq(g, &gs[0]);
    uint32_t share = RUNQ_CAP / 2 < 3 ? RUNQ_CAP / 2 : 3; /* 4 / 2 + 1 */
    cr_expect_eq(runq_len(p), share - 1, "one of them is returned");
    cr_expect_eq(load_rlx(&sched.runq_size), 4 - share);
}

Test(runq, a_thief_takes_half)
{
    struct p *from = empty_p(), *to = empty_p();
    cr_expect_null(runq_steal(to, from, true));
    for (uint32_t i = 0; i < 4; i++)
        runq_put(from, &gs[i]);
    cr_expect_eq(runq_steal(to, from, false), &gs[1]);
    cr_expect_eq(runq_get(to), &gs[0]);
    cr_expect_eq(runq_len(from), 2u);
}

Test(runq, next_is_stolen_only_when_asked_for)
{
    struct p *from = empty_p(), *to = empty_p();
    runq_put_next(from, &gs[0]);
    cr_expect_null(runq_steal(to, from, false));
    cr_expect_eq(runq_steal(to, from, true), &gs[0]);
    cr_expect(runq_empty(from));
}

enum { ITEMS = 200000, THIEVES = 2 };
static struct p *victim;
static struct g *items;
static uint32_t taken;
static bool finished;

static void count(struct g *g)
{
    g->param = (void *)((uintptr_t)g->param + 1);
    __atomic_add_fetch(&taken, 1, __ATOMIC_RELAXED);
}

static void *thief(void *arg)
{
    struct p *mine = empty_p();
    while (!__atomic_load_n(&finished, __ATOMIC_ACQUIRE) || !runq_empty(victim)) {
        struct g *g = runq_steal(mine, victim, true);
        for (; g != NULL; g = runq_get(mine))
            count(g);
    }
    return arg;
}

Test(runq, under_theft_each_goroutine_is_taken_once)
{
    pthread_t t[THIEVES];
    victim = empty_p();
    items = calloc(ITEMS, sizeof *items);
    for (int i = 0; i < THIEVES; i++)
        pthread_create(&t[i], NULL, thief, NULL);
    for (int i = 0; i < ITEMS; i++) {
        if (i % 3 == 0)
            runq_put_next(victim, &items[i]);
        else
            runq_put(victim, &items[i]);
        if (i % 5 == 0) {
            struct g *g = runq_get(victim);
            if (g != NULL)
                count(g);
        }
    }
    struct g *g;
    while ((g = runq_get_next(victim)) != NULL || (g = runq_get(victim)) != NULL)
        count(g);
    __atomic_store_n(&finished, true, __ATOMIC_RELEASE);
    for (int i = 0; i < THIEVES; i++)
        pthread_join(t[i], NULL);
    lock(&sched.lock);
    while ((g = global_get_locked(victim, 1)) != NULL)
        count(g);
    unlock(&sched.lock);
    uint32_t wrong = 0;
    for (int i = 0; i < ITEMS; i++)
        wrong += items[i].param != (void *)1;
    cr_expect_eq(wrong, 0u);
    cr_expect_eq(taken, (uint32_t)ITEMS);
}
