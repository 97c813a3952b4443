/* latency_test.c: which waits are measured, and what for. */
#include "sched/sched_int.h"

#include "support.h"

#include <gort/go.h>

#include <criterion/criterion.h>

static uint64_t counted(void)
{
    uint64_t n = load_rlx(&sched_latencies.underflow) + load_rlx(&sched_latencies.overflow);
    for (int i = 0; i < TIMEHIST_COUNTS; i++)
        n += load_rlx(&sched_latencies.counts[i]);
    return n;
}

static void few(void)
{
    m_enter();
    struct p *p = m_p(self());
    p->runnable = (struct sampler){.left = 1};
    uint64_t before = counted();
    for (int i = 0; i < 10; i++) {
        cr_expect_eq(p->runnable.left, 1u, "every one is measured");
        latency_stepped_forward(latency_step_back(p));
    }
    cr_expect_eq(counted() - before, 10u);
    m_leave(self());
}
Test(latency, a_few_waits_are_all_measured)
{
    cr_expect_eq(in_gort(few), 0);
}

/* Samples that follow each other at once stand for more and more, whatever the clock does in between. */
static void many(void)
{
    m_enter();
    struct p *p = m_p(self());
    p->runnable = (struct sampler){.left = 1};
    uint32_t heaviest = 0;
    for (int i = 0; i < 200000 && p->runnable.weight < 6; i++) {
        int64_t at = latency_step_back(p);
        cr_expect(p->runnable.left >= 1 && p->runnable.left < 2u << p->runnable.weight);
        latency_stepped_forward(at);
        heaviest = p->runnable.weight > heaviest ? p->runnable.weight : heaviest;
    }
    cr_expect(heaviest >= 6);
    p->runnable.last_ns -= 1000 * SAMPLE_NS; /* a quiet time */
    (void)latency_step_back(p);
    cr_expect_eq(p->runnable.weight, 0u);
    m_leave(self());
}
Test(latency, many_waits_share_samples_until_they_are_few_again)
{
    cr_expect_eq(in_gort(many), 0);
}

static void of_a_heavy_sample(void)
{
    m_enter();
    struct p *p = m_p(self());
    struct g g = {.id = 1};
    p->runnable = (struct sampler){.left = 1, .weight = 5, .last_ns = os_nanotime()};
    uint64_t before = counted();
    latency_begin(&g, p);
    cr_expect(load_rlx(&g.wait_since) < 0);
    latency_is_over(&g);
    cr_expect_eq(load_rlx(&g.wait_since), 0);
    cr_expect_eq(counted() - before, 32u);
    latency_is_over(&g); /* not measured */
    latency_begin(&g, NULL);
    latency_is_over(&g);
    cr_expect_eq(counted() - before, 33u, "without a processor a wait stands for itself");
    m_leave(self());
}
Test(latency, a_sample_counts_for_those_that_it_stands_for)
{
    cr_expect_eq(in_gort(of_a_heavy_sample), 0);
}

static void mutex(void)
{
    m_enter();
    struct p *p = m_p(self());
    p->blocked = (struct sampler){.left = 1, .weight = 3, .last_ns = os_nanotime()};
    int64_t before = load_rlx(&sched_mutex_wait_ns);
    int64_t at = sched_mutex_wait_begin();
    cr_expect_neq(at, 0);
    sched_mutex_wait_end(at - (1000 << 4));
    int64_t took = load_rlx(&sched_mutex_wait_ns) - before;
    cr_expect(took >= 8 * 16000 && took % 8 == 0);
    p->blocked.left = 2;
    cr_expect_eq(sched_mutex_wait_begin(), 0, "passed over");
    m_leave(self());
}
Test(latency, of_a_mutex_is_scaled)
{
    cr_expect_eq(in_gort(mutex), 0);
}
