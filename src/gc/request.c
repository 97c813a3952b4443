/* request.c: who asks for a collection, and who waits for one.
 *
 * Owns    what was asked of the leader of the gang, its loop, and who waits for it.
 * Holds   1. A call that comes after a cycle has begun gets a cycle of its own; the heap's own request is
 *            met by any cycle that marks after it.
 *         2. A goroutine in `waiting` is readied once the cycle that it waits for is swept.
 * Locks   requests.lock, rank cycle: cycles begun, who waits, and that its request is taken with them.
 * Order   the leader says that it is busy before it takes what was asked; gc_busy looks the other way
 *         round, so a request is never between the two.
 *
 * Three things ask: the heap at its trigger (pacer.c), the monitor when the last cycle was long ago, and
 * the program.
 */
#include "gc/gc_int.h"

#include <gort/mem.h>

#include "base/fmt.h"
#include "conf/conf.h"

struct waiter {
    struct waiter *next;
    struct g *g;
    uint64_t target;
};

static struct {
    struct lock lock; /* rank cycle */
    /* lock: */
    uint64_t begun; /* cycles */
    struct waiter *waiting;
    /* atomic: */
    au32 asked; /* bits 1 << enum gc_why */
    au32 leader;
    au32 busy;
    struct note wake;
} requests = {.lock = LOCK_INIT(cycle)};

static void wake_waiting(uint64_t done)
{
    struct waiter *ready_list = NULL, **at = &requests.waiting;
    lock(&requests.lock);
    while (*at != NULL) {
        struct waiter *w = *at;
        if (w->target <= done) {
            *at = w->next;
            w->next = ready_list;
            ready_list = w;
        } else {
            at = &w->next;
        }
    }
    unlock(&requests.lock);
    while (ready_list != NULL) {
        struct waiter *w = ready_list;
        ready_list = w->next; /* w lies on the stack of the one that is readied */
        ready(w->g);
    }
}

/* What is asked, for a cycle that begins now. In one piece: a call in between would be met by this cycle, and
 * what it asked for would be left for one more. */
static uint32_t take_asked(uint64_t *cycle)
{
    lock(&requests.lock);
    uint32_t asked = swap_seq(&requests.asked, 0u);
    if (asked != 0)
        *cycle = ++requests.begun;
    unlock(&requests.lock);
    return asked;
}

static void serve(uint32_t asked, uint64_t cycle)
{
    bool forced = (asked & 1u << GC_WHY_CALL) != 0;
    if (!forced && (asked & 1u << GC_WHY_TIME) != 0 && knobs.gctrace > 0)
        print("GC forced\n");
    gc_run_cycle(forced);
    wake_waiting(cycle);
}

static void leader_main(void *arg)
{
    (void)arg;
    self()->kind = M_COLLECTOR;
    for (;;) {
        note_sleep(&requests.wake);
        note_clear(&requests.wake);
        store_seq(&requests.busy, 1u); /* before nothing is asked any more: pairs with gc_busy */
        uint64_t cycle = 0;
        uint32_t asked = take_asked(&cycle);
        if (asked != 0)
            serve(asked, cycle);
        store_seq(&requests.busy, 0u);
    }
}

void gc_request(enum gc_why why)
{
    uint32_t bit = 1u << why;
    if (or_seq(&requests.asked, bit) & bit)
        return;
    if (load_acq(&requests.leader) == 0 && cas_seq(&requests.leader, 0u, 1u) &&
        sched_helper_start(leader_main, NULL) != 0)
        throw("runtime: failed to create new OS thread");
    note_wake(&requests.wake);
}

void gc_request_met(enum gc_why why)
{
    and_seq(&requests.asked, ~(1u << why));
}

bool gc_busy(void)
{
    return load_seq(&requests.asked) != 0 || load_seq(&requests.busy) != 0; /* in this order */
}

PARKS void gc_collect(void) NO_TSA
{
    struct waiter w = {.g = m_curg(self())};
    lock(&requests.lock);
    w.target = requests.begun + 1;
    w.next = requests.waiting;
    requests.waiting = &w;
    gc_request(GC_WHY_CALL);
    park_unlock(&requests.lock, WAIT_GC);
}

void gort_gc(void)
{
    m_enter();
    gc_collect();
    m_leave(self());
}

void gc_tick(int64_t now_ns)
{
    int64_t last = gc_began_ns();
    limiter_update(now_ns);
    if (last == 0)
        last = sched_started_ns();
    if (now_ns - last > GC_FORCE_NS && !gc_busy() && pacer_collects_by_itself())
        gc_request(GC_WHY_TIME);
}
