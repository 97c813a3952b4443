/* cpu_log.c: samples on their way from signal handlers to counts.
 *
 * Owns    the ring that handlers write, the thread that empties it, and the table of counts.
 *         That thread looks at the others too (cpu_due.c).
 * Holds   1. Sample number `pos` is in slot pos % CPU_RING_SLOTS in lap pos / CPU_RING_SLOTS. The slot's `turn`
 *            is 2 * lap while it is free for that lap, and 2 * lap + 1 when it is filled.
 *         2. head - tail <= CPU_RING_SLOTS. Slots in [tail, head) are filled or being filled; a full ring
 *            drops samples and counts them.
 *         3. ring.labels[] is a root of the collector: a set of labels that is in the ring lives. The table has
 *            copies of its own.
 *         4. m->cpu_last is the hash of the last sample that was counted of thread m->cpu_last_tid; in no table
 *            if that was in an earlier profile.
 * Locks   `lock`, rank prof: who empties the ring, and the table. Handlers take none.
 * Order   store_rel(turn) publishes a slot to the other side, which reads it by load_acq.
 */
#include "prof/cpu_int.h"

#include "base/probe.h"
#include "conf/limits.h"
#include "mem/mem.h"
#include "sched/sched.h"

#include <gort/mem.h>

#include <errno.h>
#include <string.h>

struct cpu_slot {
    au64 turn;
    struct m *m;
    int tid; /* m's then: it may serve another thread later (sched/attach.c) */
    uint32_t n, weight;
    enum cpu_root root;
    uintptr_t pcs[CPU_FRAMES];
};

static struct {
    /* const after start: */
    struct cpu_slot *slots;
    aptr *labels; /* of each slot */
    /* atomic: */
    au64 head, tail, lost;
    au32 started;
} ring;

static struct lock table_lock = LOCK_INIT(prof);
static struct cpu_counts counts; /* lock */
static bool counting;            /* lock */
static struct note wake;

/* ---- handlers */
void cpu_log_put(const uintptr_t *pcs, size_t n, const gort_pprof_labels *labels,
                 enum cpu_root root, uint32_t weight)
{
    uint64_t pos, lap;
    struct cpu_slot *s;
    for (;;) {
        pos = load_rlx(&ring.head);
        lap = pos / CPU_RING_SLOTS;
        s = &ring.slots[pos % CPU_RING_SLOTS];
        uint64_t turn = load_acq(&s->turn); /* pairs with cpu_log_drain */
        if (turn == 2 * lap && cas_acq_rel(&ring.head, pos, pos + 1))
            break;
        if (turn < 2 * lap) { /* full */
            add_rlx(&ring.lost, (uint64_t)weight);
            note_wake(&wake);
            return;
        }
    }
    memcpy(s->pcs, pcs, n * sizeof pcs[0]);
    s->n = (uint32_t)n;
    s->weight = weight;
    s->m = self();
    s->tid = s->m->tid;
    s->root = root;
    store_rlx(&ring.labels[pos % CPU_RING_SLOTS], (void *)(uintptr_t)labels);
    store_rel(&s->turn, 2 * lap + 1); /* pairs with cpu_log_drain */
    if (pos - load_rlx(&ring.tail) == CPU_RING_SLOTS / 2)
        note_wake(&wake);
}

/* ---- the table */
static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static uint64_t hash_of(const struct cpu_slot *s, const gort_pprof_labels *l)
{
    uint64_t h = mix(s->n, s->root);
    const unsigned char *bytes = (const void *)l;
    for (uint32_t i = 0; i < s->n; i++)
        h = mix(h, s->pcs[i]);
    for (size_t i = l != NULL ? prof_labels_bytes(l) : 0; i > 0; i--)
        h = mix(h, bytes[i - 1]);
    return h;
}

static bool same(const struct cpu_count *c, uint64_t hash, const struct cpu_slot *s,
                 const gort_pprof_labels *l)
{
    const void *labels = c->labels_at != 0 ? &counts.words[c->labels_at] : NULL;
    return c->hash == hash && c->n == s->n && c->root == s->root &&
           memcmp(&counts.words[c->pcs_at], s->pcs, s->n * sizeof s->pcs[0]) == 0 &&
           prof_labels_same(labels, l);
}

static struct cpu_count *find(uint64_t hash, const struct cpu_slot *s, const gort_pprof_labels *l)
{
    size_t i = hash & (counts.cap - 1);
    while (counts.count[i].count != 0 && !same(&counts.count[i], hash, s, l))
        i = (i + 1) & (counts.cap - 1);
    return &counts.count[i];
}

static bool grow_table(void)
{
    enum { FIRST = 256 };
    size_t cap = counts.cap == 0 ? FIRST : 2 * counts.cap;
    struct cpu_count *bigger = mem_table_grow(NULL, 0, cap * sizeof *bigger);
    if (bigger == NULL)
        return false;
    for (size_t i = 0; i < counts.cap; i++) {
        if (counts.count[i].count == 0)
            continue;
        size_t at = counts.count[i].hash & (cap - 1);
        while (bigger[at].count != 0)
            at = (at + 1) & (cap - 1);
        bigger[at] = counts.count[i];
    }
    mem_table_grow(counts.count, counts.cap * sizeof *bigger, 0);
    counts.count = bigger;
    counts.cap = cap;
    return true;
}

/* Room for `n` words; where they begin, or 0: no memory. */
static size_t words_take(size_t n)
{
    enum { FIRST = 8192 };
    size_t cap = counts.words_cap == 0 ? FIRST : counts.words_cap;
    while (cap < counts.words_used + n + 1)
        cap *= 2;
    if (cap != counts.words_cap) {
        void *bigger = mem_table_grow(counts.words, counts.words_cap * sizeof counts.words[0],
                                      cap * sizeof counts.words[0]);
        if (bigger == NULL)
            return 0;
        counts.words = bigger;
        counts.words_cap = cap;
    }
    size_t at = counts.words_used + 1; /* words[0] is nobody's */
    counts.words_used += n;
    return at;
}

static bool add(struct cpu_count *c, uint64_t hash, const struct cpu_slot *s,
                const gort_pprof_labels *l)
{
    size_t bytes = l != NULL ? prof_labels_bytes(l) : 0;
    size_t pcs_at = words_take(s->n + (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t));
    if (pcs_at == 0)
        return false;
    *c = (struct cpu_count){.hash = hash, .pcs_at = pcs_at, .n = s->n, .root = s->root};
    memcpy(&counts.words[pcs_at], s->pcs, s->n * sizeof s->pcs[0]);
    if (l != NULL) {
        c->labels_at = pcs_at + s->n;
        memcpy(&counts.words[c->labels_at], l, bytes);
    }
    counts.used++;
    return true;
}

static void count(const struct cpu_slot *s, const gort_pprof_labels *l)
{
    uint64_t hash = hash_of(s, l);
    s->m->cpu_last = hash;
    s->m->cpu_last_tid = s->tid;
    if (4 * counts.used >= 3 * counts.cap && !grow_table()) {
        counts.lost += s->weight;
        return;
    }
    struct cpu_count *c = find(hash, s, l);
    if (c->count == 0 && !add(c, hash, s, l))
        counts.lost += s->weight;
    else
        c->count += s->weight;
}

/* Where `m` was at its last sample; NULL: it has had none in this profile. */
static struct cpu_count *last_of(const struct m *m)
{
    if (counts.cap == 0 || m->cpu_last_tid != m->tid)
        return NULL;
    size_t i = m->cpu_last & (counts.cap - 1);
    while (counts.count[i].count != 0 && counts.count[i].hash != m->cpu_last)
        i = (i + 1) & (counts.cap - 1);
    return counts.count[i].count != 0 ? &counts.count[i] : NULL;
}

/* A thread that serves one purpose needs no stack to say which. */
static void count_rest(struct m *m, uint32_t n)
{
    struct cpu_count *last = last_of(m);
    if (last != NULL) {
        last->count += n;
    } else if (m->kind == M_WORKER) {
        counts.lost += n;
    } else {
        enum cpu_root root = m->kind == M_COLLECTOR ? CPU_ROOT_GC : CPU_ROOT_SYSTEM;
        count(&(struct cpu_slot){.m = m, .tid = m->tid, .weight = n, .root = root}, NULL);
    }
}

struct cpu_counts cpu_log_take(void)
{
    DCHECK(sched_is_inside());
    lock(&table_lock);
    struct cpu_counts c = counts;
    memset(&counts, 0, sizeof counts);
    unlock(&table_lock);
    return c;
}

void cpu_counts_free(struct cpu_counts *c)
{
    mem_table_grow(c->count, c->cap * sizeof c->count[0], 0);
    mem_table_grow(c->words, c->words_cap * sizeof c->words[0], 0);
}

/* ---- from one to the other */
static void drain(bool keep) REQUIRES(table_lock)
{
    for (uint64_t pos = load_rlx(&ring.tail);; pos++) {
        uint64_t lap = pos / CPU_RING_SLOTS;
        struct cpu_slot *s = &ring.slots[pos % CPU_RING_SLOTS];
        aptr *labels = &ring.labels[pos % CPU_RING_SLOTS];
        if (load_acq(&s->turn) != 2 * lap + 1) /* pairs with cpu_log_put */
            break;
        if (keep)
            count(s, load_rlx(labels));
        store_rlx(labels, NULL);
        store_rel(&s->turn, 2 * (lap + 1)); /* pairs with cpu_log_put */
        store_rlx(&ring.tail, pos + 1);
    }
    uint64_t lost = load_rlx(&ring.lost);
    add_rlx(&ring.lost, (uint64_t)0 - lost);
    if (keep)
        counts.lost += lost;
}

void cpu_log_drain(bool keep)
{
    lock(&table_lock);
    drain(keep);
    unlock(&table_lock);
}

void cpu_log_rest(struct m *m, uint32_t n)
{
    lock(&table_lock);
    if (counting) {
        drain(true);
        count_rest(m, n);
    }
    unlock(&table_lock);
}

static void drainer_main(void *arg)
{
    int64_t pause = CPU_LOOK_NS;
    (void)arg;
    for (;;) {
        if (probe_on(PROBE_CPU))
            (void)note_sleep_for(&wake, pause);
        else
            note_sleep(&wake);
        note_clear(&wake);
        lock(&table_lock);
        drain(counting);
        unlock(&table_lock);
        pause = CPU_LOOK_NS + cpu_due_look() * CPU_LOOK_EACH_NS;
    }
}

void cpu_log_count(bool on)
{
    lock(&table_lock);
    counting = on;
    unlock(&table_lock);
    note_wake(&wake);
}

static int make_ring(void)
{
    if (ring.slots == NULL)
        ring.slots = mem_table_grow(NULL, 0, CPU_RING_SLOTS * sizeof ring.slots[0]);
    if (ring.labels == NULL)
        ring.labels = mem_table_grow(NULL, 0, CPU_RING_SLOTS * sizeof ring.labels[0]);
    return ring.slots != NULL && ring.labels != NULL ? 0 : -ENOMEM;
}

int cpu_log_start(void)
{
    if (load_rlx(&ring.started) != 0)
        return 0;
    int r = make_ring();
    if (r == 0)
        r = sched_helper_start(drainer_main, NULL);
    if (r != 0)
        return r;
    gort_add_roots(ring.labels, CPU_RING_SLOTS * sizeof ring.labels[0]);
    store_rlx(&ring.started, 1u);
    return 0;
}
