/* latency.c: how long goroutines wait for a processor, and for mutexes.
 *
 * Owns    /sched/latencies and /sync/mutex/wait/total, which count from the start of the program.
 * Holds   1. a runnable goroutine whose wait is measured has -stamp in wait_since, which no other state has:
 *            positive numbers there are dump's, of waiting ones.
 *         2. a sample counts for as many waits as the sampler passed over on average, so that the sums are
 *            estimates of all.
 * Locks   none. A sampler belongs to its P's owner; what is counted is atomic.
 * Instead of every eighth wait of each goroutine, as Go samples: a look at the clock costs half of a switch. Here
 *         a P measures every wait while they are rare, and about one in SAMPLE_NS once they are many: a
 *         hundredth of its time, and less.
 */
#include "sched/sched_int.h"

#include "base/rand.h"

enum {
    WEIGHT_BITS = 4, /* of a stamp, the lowest: log2 of how many waits it stands for */
    WEIGHT_MASK = (1 << WEIGHT_BITS) - 1,
    WEIGHT_MAX = 12,
    QUICK_MAX = 16, /* a few waits at once are all measured */
};

struct timehist sched_latencies;
ai64 sched_mutex_wait_ns;

/* ---- when */
/* Adapts the weight to the time since the last sample, and draws how many waits are passed over next. */
static void sampler_next(struct sampler *s, int64_t now_ns, uint64_t *rand)
{
    int64_t gap = now_ns - s->last_ns;
    s->last_ns = now_ns;
    s->quick = gap < SAMPLE_NS ? (uint16_t)(s->quick + 1) : 0;
    if (s->quick > QUICK_MAX && s->weight < WEIGHT_MAX) {
        s->quick = 0;
        s->weight++;
    }
    for (; gap > 4 * SAMPLE_NS && s->weight > 0; gap /= 2)
        s->weight--;
    uint32_t mean = 1u << s->weight;
    s->left = mean == 1 ? 1 : 1 + rand_below(rand, 2 * mean - 1); /* 1 .. 2 * mean - 1 */
}

static int64_t stamp(struct p *p, struct sampler *s)
{
    int64_t now = os_nanotime();
    int64_t weight = s->weight;
    sampler_next(s, now, &p->rand);
    return (now & ~(int64_t)WEIGHT_MASK) | weight;
}

/* ---- for a processor */
void latency_begin(struct g *g, struct p *p)
{
    if (p == NULL) /* a thread without one: there are few such wakes */
        store_rlx(&g->wait_since, -(os_nanotime() & ~(int64_t)WEIGHT_MASK));
    else
        store_rlx(&g->wait_since, -stamp(p, &p->runnable));
}

void latency_stepped_forward(int64_t at)
{
    timehist_count(&sched_latencies, os_nanotime() - (at & ~(int64_t)WEIGHT_MASK),
                   UINT64_C(1) << (at & WEIGHT_MASK));
}

void latency_end(struct g *g)
{
    int64_t at = -load_rlx(&g->wait_since);
    store_rlx(&g->wait_since, 0);
    latency_stepped_forward(at);
}

int64_t latency_step_back(struct p *p)
{
    return stamp(p, &p->runnable);
}

/* ---- for a mutex */
int64_t sched_mutex_wait_begin(void)
{
    struct p *p = m_p(self());
    if (--p->blocked.left != 0)
        return 0;
    return stamp(p, &p->blocked);
}

void sched_mutex_wait_end(int64_t at)
{
    int64_t ns = os_nanotime() - (at & ~(int64_t)WEIGHT_MASK);
    add_rlx(&sched_mutex_wait_ns, ns << (at & WEIGHT_MASK));
}
