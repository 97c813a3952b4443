/* runq.c: the run queue of one P, and the global one.
 *
 * Owns    the ring of runnable goroutines of each P, its `runnext` slot, stealing between Ps, and the
 *         global list. What runs next is schedule.c.
 * Holds   1. head <= tail <= head + RUNQ_CAP; both only grow, and index the ring modulo RUNQ_CAP.
 *         2. A goroutine in slots [head, tail) is runnable and in no other queue.
 * Locks   the rings none: the P's owner moves tail; anyone moves head, by compare-and-swap. The
 *         global list sched.lock.
 * Order   runq_put publishes a slot by store_rel(tail), which runq_steal reads by load_acq(tail).
 * Instead of a linked list under a lock: a thief takes half the ring in one swap, and readying a
 *         goroutine allocates nothing. A full ring moves half to the global queue.
 */
#include "sched/sched_int.h"

#include "base/usdt.h"
#include "mem/mem.h"

_Static_assert((RUNQ_CAP & (RUNQ_CAP - 1)) == 0, "the ring is indexed by a mask");

static aptr *slot(struct p *p, uint32_t i)
{
    return &p->runq[i & (RUNQ_CAP - 1)];
}

uint32_t runq_len(const struct p *p)
{
    struct p *q = (struct p *)(uintptr_t)p;
    return load_acq(&q->runq_tail) - load_acq(&q->runq_head) +
           (load_rlx(&q->runnext) != NULL ? 1 : 0);
}

bool runq_empty(const struct p *p)
{
    /* The owner may move runnext to the ring between our two reads; seeing the tail unchanged
     * afterwards tells that it did not. */
    struct p *q = (struct p *)(uintptr_t)p;
    for (;;) {
        uint32_t head = load_acq(&q->runq_head);
        uint32_t tail = load_acq(&q->runq_tail);
        void *next = load_acq(&q->runnext);
        if (tail == load_acq(&q->runq_tail))
            return head == tail && next == NULL;
    }
}

/* Moves half of a full ring, and `g`, to the global queue. False if a thief made room meanwhile. */
static bool overflow(struct p *p, struct g *g, uint32_t head)
{
    enum { HALF = RUNQ_CAP / 2 };
    if (!cas_acq_rel(&p->runq_head, head, head + HALF))
        return false;
    /* The slots are free now, but only the owner, who is here, fills slots. */
    lock(&sched.lock);
    for (uint32_t i = 0; i < HALF; i++)
        global_put_locked(load_rlx(slot(p, head + i)));
    global_put_locked(g);
    unlock(&sched.lock);
    return true;
}

void runq_put(struct p *p, struct g *g)
{
    for (;;) {
        uint32_t head = load_acq(&p->runq_head); /* pairs with the thief's swap */
        uint32_t tail = load_rlx(&p->runq_tail);
        if (likely(tail - head < RUNQ_CAP)) {
            store_rlx(slot(p, tail), g);
            store_rel(&p->runq_tail, tail + 1);
            return;
        }
        if (overflow(p, g, head))
            return;
    }
}

void runq_put_next(struct p *p, struct g *g)
{
    struct g *old = swap_acq_rel(&p->runnext, g);
    if (old != NULL)
        runq_put(p, old);
}

struct g *runq_get_next(struct p *p)
{
    struct g *g = load_rlx(&p->runnext);
    /* Only the owner fills it, so one try is enough: a thief may have emptied it. */
    if (g != NULL && cas_acq_rel(&p->runnext, g, NULL))
        return g;
    return NULL;
}

/* Each goroutine is on a page of its own: asks for those that run soon, the second next one's struct
 * and the next one's stack, while the first runs. */
static void prefetch_after(struct p *p, uint32_t head, uint32_t tail)
{
    if (tail - head < 3)
        return;
    const struct g *second = load_rlx(slot(p, head + 2));
    const struct g *first = load_rlx(slot(p, head + 1));
    __builtin_prefetch(second, 1);
    __builtin_prefetch((const char *)second + 64, 1);
    if (TRACK_GUESSES) /* another thread may have taken it: what is read is a hint, whatever it is */
        __builtin_prefetch((const void *)first->ctx.sp, 1);
}

struct g *runq_get(struct p *p)
{
    for (;;) {
        uint32_t head = load_acq(&p->runq_head);
        uint32_t tail = load_rlx(&p->runq_tail);
        if (head == tail)
            return NULL;
        struct g *g = load_rlx(slot(p, head));
        prefetch_after(p, head, tail);
        if (cas_rel(&p->runq_head, head, head + 1))
            return g;
    }
}

static struct g *steal_next(struct p *from)
{
    struct g *g = load_acq(&from->runnext);
    if (g == NULL)
        return NULL;
    if (load_rlx(&from->status) == P_RUNNING) {
        /* It will probably run in a moment where it is warm: give it that moment. */
        uint32_t switches = load_rlx(&from->switches);
        for (int i = 0; i < 30; i++) {
            cpu_relax(10);
            if (load_rlx(&from->waking) != 0 || load_rlx(&from->switches) != switches ||
                load_rlx(&from->runnext) != g)
                return NULL;
        }
    }
    return cas_acq_rel(&from->runnext, g, NULL) ? g : NULL;
}

struct g *runq_steal(struct p *to, struct p *from, bool also_next)
{
    uint32_t tail = load_rlx(&to->runq_tail);
    for (;;) {
        uint32_t h = load_acq(&from->runq_head);
        uint32_t t = load_acq(&from->runq_tail); /* pairs with runq_put */
        uint32_t n = t - h;
        if (n > RUNQ_CAP) /* read at different moments */
            continue;
        n -= n / 2;
        if (n == 0)
            return also_next ? steal_next(from) : NULL;
        if (n > RUNQ_CAP / 2)
            continue;
        for (uint32_t i = 0; i < n; i++)
            store_rlx(slot(to, tail + i), load_rlx(slot(from, h + i)));
        if (!cas_acq_rel(&from->runq_head, h, h + n))
            continue;
        USDT(steal, to->id, from->id, n);
        struct g *g = load_rlx(slot(to, tail + n - 1));
        if (n > 1)
            store_rel(&to->runq_tail, tail + n - 1);
        return g;
    }
}

static struct chunk *new_chunk(void) REQUIRES(sched.lock)
{
    struct chunk *c = sched.free_chunks;
    if (c != NULL)
        sched.free_chunks = c->next;
    else
        c = persist_alloc(sizeof *c, 64);
    c->next = NULL;
    c->head = c->tail = 0;
    return c;
}

void global_put_locked(struct g *g)
{
    struct chunk *c = sched.runq_last;
    if (c == NULL || c->tail == GLOBAL_CHUNK) {
        c = new_chunk();
        if (sched.runq_last != NULL)
            sched.runq_last->next = c;
        else
            sched.runq_first = c;
        sched.runq_last = c;
    }
    c->g[c->tail++] = g;
    store_rlx(&sched.runq_size, load_rlx(&sched.runq_size) + 1);
}

void global_put(struct g *g)
{
    lock(&sched.lock);
    global_put_locked(g);
    unlock(&sched.lock);
}

static struct g *global_pop(void) REQUIRES(sched.lock)
{
    struct chunk *c = sched.runq_first;
    struct g *g = c->g[c->head++];
    store_rlx(&sched.runq_size, load_rlx(&sched.runq_size) - 1);
    if (c->head == c->tail) {
        sched.runq_first = c->next;
        if (sched.runq_first == NULL)
            sched.runq_last = NULL;
        c->next = sched.free_chunks;
        sched.free_chunks = c;
    }
    return g;
}

struct g *global_take_bound_locked(void)
{
    for (struct chunk *c = sched.runq_first; c != NULL; c = c->next) {
        for (uint32_t i = c->head; i < c->tail; i++) {
            struct g *g = c->g[i];
            if (load_rlx(&g->bound) == NULL)
                continue;
            c->g[i] = c->g[c->head]; /* the first takes its place, and it the first's */
            c->g[c->head] = g;
            if (c == sched.runq_first)
                return global_pop();
            struct g *first = sched.runq_first->g[sched.runq_first->head];
            sched.runq_first->g[sched.runq_first->head] = g;
            c->g[c->head] = first;
            return global_pop();
        }
    }
    return NULL;
}

struct g *global_get_locked(struct p *p, uint32_t max)
{
    uint32_t size = load_rlx(&sched.runq_size);
    if (size == 0)
        return NULL;
    uint32_t n = size / load_rlx(&sched.nps) + 1;
    if (n > size)
        n = size;
    if (n > RUNQ_CAP / 2)
        n = RUNQ_CAP / 2;
    if (max > 0 && n > max)
        n = max;
    struct g *g = global_pop();
    for (n--; n > 0; n--) {
        uint32_t tail = load_rlx(&p->runq_tail);
        if (tail - load_acq(&p->runq_head) >= RUNQ_CAP)
            break;
        store_rlx(slot(p, tail), global_pop());
        store_rel(&p->runq_tail, tail + 1);
    }
    return g;
}
