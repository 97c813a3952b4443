/* block.c: who waited for whom, and for how long.
 *
 * Owns    sampling of waits (the block profile) and of unlocks that end them (the mutex profile), what is
 *         counted of them, and the cycles in which they are measured.
 * Locks   one for each of the two, rank prof: a leaf. Taps hold no lock.
 *
 * What is sampled, stands for what is not, so that sums are right on average:
 *
 *   a wait of c >= rate cycles    always kept:           1 event of c cycles
 *   a wait of c < rate            with probability c/rate: rate/c events of rate cycles altogether
 *   an unlock                     with probability 1/rate: rate events of rate * c cycles altogether
 */
#include "prof/block.h"

#include <gort/prof.h>

#include "arch/arch.h"
#include "base/probe.h"
#include "base/rand.h"
#include "dump/cgo.h"
#include "prof/prof_int.h"
#include "sched/sched.h"
#include "sync/up.h"

#include <string.h>

struct events {
    struct lock lock; /* rank prof; the counts of its buckets */
    /* atomic: */
    ai64 rate; /* cycles, or unlocks; 0: off */
};
static struct events events[BUCKET_KINDS] = {
    [BUCKET_BLOCK] = {.lock = LOCK_INIT(prof)},
    [BUCKET_MUTEX] = {.lock = LOCK_INIT(prof)},
};

/* ---- cycles */
enum { MEASURE_NS = 5 * 1000000 };

static struct {
    /* const once there are threads: */
    int64_t ns;
    uint64_t ticks;
    /* atomic: */
    ai64 per_second; /* 0: not known yet. Measured once, so that two profiles can be compared */
} cycles;

void prof_ticks_init(void)
{
    if (cycles.ns != 0)
        return;
    cycles.ns = os_nanotime();
    cycles.ticks = arch_ticks();
}

int64_t prof_ticks_per_second(void)
{
    int64_t known = load_rlx(&cycles.per_second);
    if (known != 0)
        return known;
    prof_ticks_init(); /* somebody asks before gort_run */
    int64_t ns;
    while ((ns = os_nanotime() - cycles.ns) < MEASURE_NS)
        os_sleep_ns(MEASURE_NS - ns);
    known = (int64_t)((double)(arch_ticks() - cycles.ticks) * 1e9 / (double)ns);
    (void)cas_acq_rel(&cycles.per_second, INT64_C(0), known);
    return load_rlx(&cycles.per_second);
}

/* ---- the rates */
void gort_set_block_profile_rate(int rate)
{
    int64_t r = 0;
    if (rate == 1)
        r = 1;
    else if (rate > 1)
        r = (int64_t)((double)rate * (double)prof_ticks_per_second() / 1e9);
    if (rate > 0 && r == 0)
        r = 1;
    store_rlx(&events[BUCKET_BLOCK].rate, r);
    probe_set(PROBE_BLOCK, r > 0);
}

int gort_set_mutex_profile_fraction(int rate)
{
    ai64 *fraction = &events[BUCKET_MUTEX].rate;
    if (rate < 0)
        return (int)load_rlx(fraction);
    int was = (int)swap_acq_rel(fraction, (int64_t)rate);
    probe_set(PROBE_MUTEX, rate > 0);
    return was;
}

/* ---- what happened */
static void count(struct m *m, enum bucket_kind kind, double n, int64_t took,
                  const void *inlined_at)
{
    uintptr_t pcs[BUCKET_FRAMES + 1], *first = pcs;
    size_t k = cgo_backtrace_here(m, true, pcs, ARRAY_LEN(pcs));
    if (k > 1 && inlined_at != NULL && pcs[1] == (uintptr_t)inlined_at)
        first++, k--;
    struct bucket *b = bucket_of(kind, 0, first, k);
    lock(&events[kind].lock);
    b->u.block.count += n;
    b->u.block.cycles += took;
    unlock(&events[kind].lock);
}

/* A number in [0, n). */
static int64_t below(struct m *m, int64_t n)
{
    uint64_t *state = &m_p(m)->rand;
    uint64_t x = (uint64_t)rand_next(state) << 32;
    return (int64_t)((x | rand_next(state)) % (uint64_t)n);
}

COLD void prof_blocked(int64_t took, const void *inlined_at)
{
    struct m *m = m_enter();
    int64_t rate = load_rlx(&events[BUCKET_BLOCK].rate);
    if (took < 1)
        took = 1; /* counters of two CPUs may differ a little */
    if (rate > 0 && took >= rate)
        count(m, BUCKET_BLOCK, 1, took, inlined_at);
    else if (rate > 0 && below(m, rate) < took)
        count(m, BUCKET_BLOCK, (double)rate / (double)took, rate, inlined_at);
    m_leave(m);
}

COLD void prof_contended(uint32_t n, int64_t took, const void *inlined_at)
{
    struct m *m = m_enter();
    int64_t rate = load_rlx(&events[BUCKET_MUTEX].rate);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < n && rate > 0; i++)
        kept += below(m, rate) == 0;
    if (took < n)
        took = n;
    if (kept > 0)
        count(m, BUCKET_MUTEX, (double)kept * (double)rate,
              (int64_t)((double)took / n * kept * (double)rate), inlined_at);
    m_leave(m);
}

/* ---- reading */
size_t prof_block_take(enum bucket_kind kind, const struct bucket *newest,
                       struct prof_block_record *r)
{
    struct m *m = m_enter();
    size_t n = 0;
    lock(&events[kind].lock);
    for (const struct bucket *b = newest; b != NULL; b = b->older)
        if (b->u.block.count > 0)
            r[n++] = (struct prof_block_record){b, b->u.block.count, b->u.block.cycles};
    unlock(&events[kind].lock);
    m_leave(m);
    return n;
}

static void fill(gort_block_profile_record *r, const struct bucket *b)
{
    memset(r, 0, sizeof *r);
    r->count = b->u.block.count < 1 ? 1 : (int64_t)b->u.block.count;
    r->cycles = b->u.block.cycles;
    memcpy(r->stack0, b->pcs, b->n * sizeof b->pcs[0]);
}

static bool records(enum bucket_kind kind, gort_block_profile_record *p, int len, int *n)
{
    struct m *m = m_enter();
    const struct bucket *newest = bucket_newest(kind);
    int k = 0;
    lock(&events[kind].lock);
    for (const struct bucket *b = newest; b != NULL; b = b->older)
        k += b->u.block.count > 0;
    bool fits = k <= len;
    for (const struct bucket *b = newest; b != NULL && fits; b = b->older)
        if (b->u.block.count > 0)
            fill(p++, b);
    unlock(&events[kind].lock);
    m_leave(m);
    *n = k;
    return fits;
}

bool gort_block_profile(gort_block_profile_record *p, int len, int *n)
{
    return records(BUCKET_BLOCK, p, len, n);
}

bool gort_mutex_profile(gort_block_profile_record *p, int len, int *n)
{
    return records(BUCKET_MUTEX, p, len, n);
}
