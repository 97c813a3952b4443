/* assist.c: who allocates while marking runs helps marking.
 *
 * Owns    the debt of each P, the credit that background marking earns, and the goroutines that wait
 *         for credit because nothing is left that they could mark themselves, or because the heap is
 *         full and marking has not even begun.
 *
 *            gc_allocated               m_enter                      nothing to mark
 *   debt = 0 -----------> debt > a piece ------> credit, then pieces ---------------> waiting
 *      ^                                            | paid                               |
 *      +--------------------------------------------+------------------------------------+
 *                                                      assist_credit, assist_wake_all
 *
 * Holds   1. A debt counts only in the cycle it arose in.
 *         2. A waiter is in `waiting` from before it parks until somebody takes it out under the lock
 *            and readies it, once; `nwaiting` is their number.
 *         3. Nobody waits for credit while there is some, nor after marking has ended; nor for the
 *            start of a cycle that is over: pacer_late says that one was asked for, and its end, which
 *            comes for certain, is followed by assist_wake_all.
 * Locks   assist.lock, rank assist; waiters are readied after unlocking.
 * Order   assist_credit adds to the credit (A), then looks for waiters (B); a waiter counts itself (C),
 *         then looks for credit (D). All are seq_cst, so not both miss. The end of marking is stored
 *         before assist_wake_all takes the lock; a waiter looks at the phase under the lock, so either
 *         it sees the end, or it is in the queue that assist_wake_all empties. The same holds for the
 *         number of the cycle, which pacer_late looks at.
 * Instead of a debt for each goroutine, as Go has: a thousand short-lived goroutines that allocate a
 *         little each would owe nothing. Who runs on a P when its debt is due pays for the others
 *         there, which are the same program.
 */
#include "gc/gc_int.h"

#include "gc/taps.h"
#include "mem/up.h"
#include "sched/up.h"

struct assist_waiter {
    struct node node;
    /* const: */
    struct g *g;
    bool for_end; /* wants no credit, but the end of marking */
    /* lock: */
    int64_t debt;
};

static struct {
    struct lock lock; /* rank assist */
    /* lock: */
    struct list waiting;
    /* lock+atomic: */
    au32 nwaiting; /* those for credit */
    /* atomic: */
    ai64 credit; /* bytes marked in the background that nobody was charged for */
    ai64 ns;     /* CPU time of assists, until assist_take_ns */
} assist = {
    .lock = LOCK_INIT(assist),
    .waiting = {{&assist.waiting.head, &assist.waiting.head}},
};

/* ---- debts */
static void charge(struct p *p, size_t bytes)
{
    double ratio = pacer_ratio();
    uint32_t cycle = load_rlx(&gc.cycle);
    if (ratio <= 0)
        return;
    if (p->assist_cycle != cycle) {
        p->assist_cycle = cycle;
        p->assist_debt = 0;
    }
    p->assist_debt += (int64_t)((double)bytes * ratio) + 1;
    if (p->assist_debt > (int64_t)GC_ASSIST_BYTES)
        sched_want_assist();
}

void gc_allocated(size_t bytes)
{
    struct p *p = m_p(self());
    pacer_grow(bytes);
    if (p == NULL)
        return;
    tap_heap_alloc(pacer_live());
    if (load_rlx(&gc.phase) == GC_MARK)
        charge(p, bytes);
    else if (unlikely(pacer_late()))
        sched_want_assist();
}

/* Takes up to `want` bytes of credit. */
static int64_t take_credit(int64_t want)
{
    for (;;) {
        int64_t have = load_seq(&assist.credit); /* D, pairs with A */
        int64_t n = have < want ? have : want;
        if (n <= 0)
            return 0;
        if (cas_seq(&assist.credit, have, have - n))
            return n;
    }
}

/* ---- waiting */
static void ready_all(struct list *l)
{
    for (struct node *n; (n = list_take_head(l)) != NULL;)
        ready_tail(container_of(n, struct assist_waiter, node)->g); /* its stack has the node */
}

/* The first is paid first; what does not suffice for it is kept for later, and the next one's turn
 * comes, so that a large debt keeps no small ones waiting. */
static bool pay_first(struct list *paid) REQUIRES(assist.lock)
{
    struct node *n = assist.waiting.head.next;
    while (n != &assist.waiting.head && container_of(n, struct assist_waiter, node)->for_end)
        n = n->next;
    if (n == &assist.waiting.head)
        return false;
    struct assist_waiter *w = container_of(n, struct assist_waiter, node);
    int64_t got = take_credit(w->debt);
    w->debt -= got;
    list_remove(n);
    if (w->debt > 0) {
        list_put_tail(&assist.waiting, n);
        return false;
    }
    sub_seq(&assist.nwaiting, 1u);
    list_put_tail(paid, n);
    return true;
}

void assist_credit(size_t work)
{
    struct list paid;
    add_seq(&assist.credit, (int64_t)work); /* A */
    if (load_seq(&assist.nwaiting) == 0)    /* B, pairs with C */
        return;
    list_init(&paid);
    lock(&assist.lock);
    while (load_seq(&assist.credit) > 0 && pay_first(&paid))
        ;
    unlock(&assist.lock);
    ready_all(&paid);
}

void assist_wake_all(void)
{
    struct list woken, stay;
    list_init(&woken);
    list_init(&stay);
    lock(&assist.lock);
    bool marking = load_seq(&gc.phase) == GC_MARK;
    for (struct node *n; (n = list_take_head(&assist.waiting)) != NULL;)
        list_put_tail(
            marking && container_of(n, struct assist_waiter, node)->for_end ? &stay : &woken, n);
    for (struct node *n; (n = list_take_head(&stay)) != NULL;)
        list_put_tail(&assist.waiting, n);
    store_seq(&assist.nwaiting, 0u);
    if (!marking)
        store_seq(&assist.credit, (int64_t)0);
    unlock(&assist.lock);
    ready_all(&woken);
}

/* What is left of the debt once somebody let us go. */
static PARKS int64_t wait_for_credit(int64_t debt) NO_TSA
{
    struct assist_waiter w = {.g = m_curg(self()), .debt = debt};
    lock(&assist.lock);
    add_seq(&assist.nwaiting, 1u); /* C, pairs with B */
    w.debt -= take_credit(w.debt); /* D */
    if (w.debt <= 0 || load_seq(&gc.phase) != GC_MARK) {
        sub_seq(&assist.nwaiting, 1u);
        unlock(&assist.lock);
        return 0;
    }
    list_put_tail(&assist.waiting, &w.node);
    park_unlock(&assist.lock, WAIT_GC_ASSIST);
    return w.debt;
}

/* The heap is at its goal, and the cycle that was asked for has not begun: what would be allocated now is
 * beyond. Its first credit lets us go, at the latest its end. */
static PARKS void wait_for_start(void) NO_TSA
{
    struct assist_waiter w = {.g = m_curg(self()), .debt = 1};
    lock(&assist.lock);
    if (load_seq(&gc.phase) != GC_OFF || !pacer_late() || limiter_limiting()) {
        unlock(&assist.lock);
        return;
    }
    add_seq(&assist.nwaiting, 1u);
    list_put_tail(&assist.waiting, &w.node);
    park_unlock(&assist.lock, WAIT_GC_ASSIST);
}

PARKS void assist_await_mark_end(void) NO_TSA
{
    struct assist_waiter w = {.g = m_curg(self()), .for_end = true};
    lock(&assist.lock);
    if (load_seq(&gc.phase) != GC_MARK) {
        unlock(&assist.lock);
        return;
    }
    list_put_tail(&assist.waiting, &w.node);
    park_unlock(&assist.lock, WAIT_GC);
}

/* ---- paying */
/* One piece, small enough for a stop to wait for its end. */
static size_t mark_piece(size_t work)
{
    int64_t t0 = os_nanotime();
    struct marker *mk = marker_take();
    size_t done = mark_drain(mk, work);
    marker_put(mk);
    int64_t t1 = os_nanotime();
    add_rlx(&assist.ns, t1 - t0);
    limiter_add_assist(t1 - t0);
    cpu_report(CPU_ASSIST, t1 - t0);
    limiter_update(t1);
    return done;
}

int64_t assist_take_ns(void)
{
    return __atomic_exchange_n(&assist.ns.v, 0, __ATOMIC_RELAXED);
}

static bool excused(struct m *m)
{
    const struct g *g = m_curg(m);
    return m_p(m) == NULL || g->system || load_seq(&gc.phase) != GC_MARK || limiter_limiting();
}

/* Takes the debt off the P: it is now the running goroutine's, which may change its P. */
static int64_t take_debt(struct p *p)
{
    int64_t debt = p->assist_cycle == load_rlx(&gc.cycle) ? p->assist_debt : 0;
    p->assist_debt = 0;
    return debt;
}

static PARKS void give_way(void)
{
    if (load_acq(&self()->attention) & (ATT_STOP | ATT_YIELD))
        yield();
}

static PARKS void pay(int64_t debt)
{
    uint32_t cycle = load_rlx(&gc.cycle);
    debt -= take_credit(debt);
    while (debt > 0 && load_rlx(&gc.cycle) == cycle && !excused(self())) {
        size_t piece = (size_t)debt < GC_ASSIST_BYTES ? (size_t)debt : GC_ASSIST_BYTES;
        size_t done = mark_piece(piece);
        debt -= (int64_t)done;
        if (debt > 0 && done < piece)
            debt = wait_for_credit(debt);
        else
            give_way();
    }
}

void gc_assist(void)
{
    struct m *m = self();
    struct p *p = m_p(m);
    if (p == NULL || m_curg(m)->system)
        return;
    if (load_seq(&gc.phase) == GC_OFF) {
        wait_for_start();
        return;
    }
    int64_t debt = take_debt(p);
    if (debt > 0 && !excused(m)) {
        tap_assist_begin();
        pay(debt);
        tap_assist_end();
    }
}
