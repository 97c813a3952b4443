/* sema.c: waiting on an address.
 *
 * Owns    the table of goroutines that wait for a counter to become positive: 251 roots, each with
 *         a tree of addresses and, per address, a queue of waiters.
 * Holds   1. root->nwait is the number of waiters in root, or more while one is about to queue.
 *         2. In a root's tree each address occurs once: at its first waiter, which has the queue.
 *         3. Below child[i] of a waiter at depth d lie addresses whose hash has bit d equal to i.
 *         4. A waiter is in the table from before its goroutine parks until whoever takes it out
 *            readies that goroutine, once.
 * Locks   the root's, rank sema. A waiter is readied after unlocking.
 * Order   sema_release adds to the counter, then looks at nwait; sema_acquire adds to nwait, then
 *         looks at the counter; all seq_cst, so that they cannot both miss.
 * Instead of a balanced tree: a digital search tree over a hash that loses no bits. It needs no
 *         rotations and no links upward, n addresses are about log n deep, and 64 deep at most. A
 *         list would make a program with 100,000 locked mutexes quadratic.
 */
#include "sync/blocked.h"
#include "sync/sync.h"

#include "base/check.h"
#include "base/track.h"

enum { ROOTS = 251 };

/* On the stack of the goroutine that waits. */
struct sema_waiter {
    /* const while in the table: */
    const void *addr;
    struct g *g;
    int64_t since; /* in arch_ticks, if PROBE_MUTEX is on; else 0 */
    /* lock: */
    struct sema_waiter *child[2]; /* of the first in a queue */
    struct sema_waiter *last;     /* of the first in a queue */
    struct sema_waiter *next;     /* behind us in the queue */
    /* owner (who took it out of the table, then the goroutine): */
    bool granted; /* the counter was decremented for us */
    /* const while in the table: */
    int64_t sampled; /* of sched_mutex_wait_begin, or 0 */
};

struct root {
    struct lock lock; /* rank sema */
    /* lock: */
    struct sema_waiter *tree;
    /* lock+atomic: */
    au32 nwait;
} ALIGNED(64);

static struct root roots[ROOTS] = {[0 ... ROOTS - 1] = {.lock = LOCK_INIT(sema)}};

static struct root *root_of(const void *addr)
{
    return &roots[((uintptr_t)addr >> 3) % ROOTS];
}

struct lock *sema_lock_of(const void *addr)
{
    return &root_of(addr)->lock;
}

/* ---- the tree */

static uint64_t hash(const void *addr)
{
    return (uint64_t)(uintptr_t)addr * 0x9E3779B97F4A7C15ULL; /* odd: one to one */
}

/* Where the queue of `addr` hangs, or would. */
static struct sema_waiter **tree_find(struct root *r, const void *addr) REQUIRES(r->lock)
{
    struct sema_waiter **at = &r->tree;
    for (uint64_t bits = hash(addr); *at != NULL && (*at)->addr != addr; bits <<= 1)
        at = &(*at)->child[bits >> 63];
    return at;
}

/* `w` takes the place of the first waiter at `at`. */
static void tree_replace(struct sema_waiter **at, struct sema_waiter *w)
{
    w->child[0] = (*at)->child[0];
    w->child[1] = (*at)->child[1];
    *at = w;
}

/* Any leaf below a node may stand in the node's place: it has the node's leading bits. */
static void tree_remove(struct sema_waiter **at)
{
    struct sema_waiter **leaf = at;
    while ((*leaf)->child[0] != NULL || (*leaf)->child[1] != NULL)
        leaf = &(*leaf)->child[(*leaf)->child[0] == NULL];
    struct sema_waiter *w = *leaf;
    *leaf = NULL;
    if (leaf != at)
        tree_replace(at, w);
}

static void enqueue(struct root *r, struct sema_waiter *w, enum sema_order order) REQUIRES(r->lock)
{
    struct sema_waiter **at = tree_find(r, w->addr);
    struct sema_waiter *first = *at;
    w->next = w->child[0] = w->child[1] = NULL;
    if (first == NULL) {
        w->last = w;
        *at = w;
    } else if (order == SEMA_FIFO) {
        first->last->next = w;
        first->last = w;
    } else {
        w->next = first;
        w->last = first->last;
        tree_replace(at, w);
    }
}

static struct sema_waiter *dequeue(struct root *r, const void *addr) REQUIRES(r->lock)
{
    struct sema_waiter **at = tree_find(r, addr);
    struct sema_waiter *w = *at;
    if (w == NULL)
        return NULL;
    if (w->next != NULL) {
        w->next->last = w->last;
        tree_replace(at, w->next);
    } else {
        tree_remove(at);
    }
    sub_seq(&r->nwait, 1u);
    if (w->sampled != 0)
        sched_mutex_wait_end(w->sampled);
    return w;
}

/* ---- acquire and release */

static bool take(au32 *word)
{
    for (;;) {
        uint32_t v = load_seq(word);
        if (v == 0)
            return false;
        if (cas_acq(word, v, v - 1)) /* pairs with the addition in sema_release */
            return true;
    }
}

bool sema_tryacquire(uint32_t *word)
{
    return take(sync_u32(word));
}

static bool is_mutex_wait(enum wait_reason why)
{
    return why == WAIT_MUTEX || why == WAIT_RWMUTEX_RLOCK || why == WAIT_RWMUTEX_LOCK;
}

/* Waits once; true if the counter was decremented for us. */
PARKS static bool wait_for(struct root *r, uint32_t *word, enum sema_order order,
                           enum wait_reason why, bool *parked) NO_TSA
{
    struct m *m = m_enter();
    struct sema_waiter w = {.addr = word, .g = m_curg(m)};
    if (probe_on(PROBE_MUTEX))
        w.since = (int64_t)arch_ticks();
    lock(&r->lock);
    add_seq(&r->nwait, 1u); /* before the look at the counter; pairs with sema_release */
    if (take(sync_u32(word))) {
        sub_seq(&r->nwait, 1u);
        unlock(&r->lock);
        m_leave(m);
        return true;
    }
    if (is_mutex_wait(why))
        w.sampled = sched_mutex_wait_begin();
    w.g->param = word;
    enqueue(r, &w, order);
    park_unlock(&r->lock, why);
    w.g->param = NULL;
    m_leave(self());
    *parked = true;
    return w.granted;
}

PARKS bool sema_acquire(uint32_t *word, enum sema_order order, enum wait_reason why)
{
    bool parked = false;
    if (take(sync_u32(word)))
        return false;
    struct root *r = root_of(word);
    while (!wait_for(r, word, order, why, &parked) && !take(sync_u32(word)))
        continue; /* somebody who did not wait was quicker */
    return parked;
}

static inline void note_woken(struct sema_woken *woken, const struct sema_waiter *w)
{
    if (likely(w->since == 0))
        return;
    woken->n++;
    woken->cycles += (int64_t)arch_ticks() - w->since;
}

/* After the addition, *word is read only on behalf of a goroutine that still waits on it; who has
 * come through may free it. */
PARKS struct sema_woken sema_release(uint32_t *word, enum sema_release how)
{
    struct root *r = root_of(word);
    struct sema_woken woken = {0};
    add_seq(sync_u32(word), 1u); /* before the look at nwait; pairs with wait_for */
    if (load_seq(&r->nwait) == 0)
        return woken;
    struct m *m = m_enter();
    lock(&r->lock);
    struct sema_waiter *w = dequeue(r, word);
    unlock(&r->lock);
    if (w == NULL) {
        m_leave(m);
        return woken;
    }
    note_woken(&woken, w);
    if (how == SEMA_HANDOFF && take(sync_u32(word))) {
        w->granted = true;
        ready_and_yield(w->g);
    } else {
        ready(w->g);
    }
    m_leave(self());
    return woken;
}

struct sema_woken sema_release_many(uint32_t *word, uint32_t n)
{
    if (n == 1)
        return sema_release(word, SEMA_WAKE);
    struct root *r = root_of(word);
    struct sema_woken woken = {0};
    add_seq(sync_u32(word), n); /* as in sema_release */
    if (n == 0 || load_seq(&r->nwait) == 0)
        return woken;
    struct m *m = m_enter();
    struct sema_waiter *first = NULL, **end = &first;
    lock(&r->lock);
    for (; n > 0 && (*end = dequeue(r, word)) != NULL; n--)
        end = &(*end)->next;
    *end = NULL;
    unlock(&r->lock);
    for (struct sema_waiter *w = first, *next; w != NULL; w = next) {
        next = w->next; /* its goroutine may be gone in a moment */
        note_woken(&woken, w);
        ready_tail(w->g);
    }
    m_leave(m);
    return woken;
}

/* ---- looking */

uint32_t sema_waiters(const uint32_t *word)
{
    struct root *r = root_of(word);
    struct m *m = m_enter();
    uint32_t n = 0;
    lock(&r->lock);
    for (const struct sema_waiter *w = *tree_find(r, word); w != NULL; w = w->next)
        n++;
    unlock(&r->lock);
    m_leave(m);
    return n;
}

/* Counts the waiters below `w`, whose addresses share the first `depth` bits of `bits`. */
static uint32_t subtree_check(const struct sema_waiter *w, uint64_t bits, unsigned depth)
{
    if (w == NULL)
        return 0;
    CHECK(depth == 0 || ((hash(w->addr) ^ bits) >> (64 - depth)) == 0); /* 3 */
    uint32_t n = 0;
    for (const struct sema_waiter *q = w; q != NULL; q = q->next, n++) {
        CHECK(q->addr == w->addr && (q->next != NULL || w->last == q)); /* 2 */
        CHECK(load_rlx(&q->g->status) != G_DEAD);                       /* 4 */
    }
    uint64_t bit = depth < 64 ? 1ULL << (63 - depth) : 0;
    return n + subtree_check(w->child[0], bits & ~bit, depth + 1) +
           subtree_check(w->child[1], bits | bit, depth + 1);
}

void sema_check(void)
{
    struct m *m = m_enter();
    for (unsigned i = 0; i < ROOTS; i++) {
        struct root *r = &roots[i];
        lock(&r->lock);
        CHECK(subtree_check(r->tree, 0, 0) == load_seq(&r->nwait)); /* 1 */
        unlock(&r->lock);
    }
    m_leave(m);
}

/* ---- the public semaphore */

void gort_sema_acquire(gort_sema *s)
{
    int64_t since = blocked_since();
    if (sema_acquire(&s->permits_, SEMA_FIFO, WAIT_SEMACQUIRE))
        blocked_until_now(since, NULL);
    track_acquire(&s->permits_);
}

bool gort_sema_tryacquire(gort_sema *s)
{
    bool got = sema_tryacquire(&s->permits_);
    if (got)
        track_acquire(&s->permits_);
    return got;
}

void gort_sema_release(gort_sema *s)
{
    track_release(&s->permits_);
    sema_release(&s->permits_, SEMA_WAKE);
}
