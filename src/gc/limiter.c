/* limiter.c: the collector gets about half of the CPU time at most.
 *
 * Owns    a bucket that the collector's CPU time fills and the program's drains. While it is full,
 *         goroutines need not help marking, and the heap may grow beyond its goal and its limit: a
 *         program that only collects is worse than one that needs more memory.
 * Holds   1. fill <= capacity = one second for each P; `limiting` begins when they are equal, and ends
 *            with the first drain.
 *         2. Of the time since `at_ns` nothing is in the bucket yet.
 * Locks   clock.lock, rank pacer. Whether it limits is read without.
 *
 * What fills and drains between two looks:
 *
 *   world stopped     all Ps                          collector
 *   marking           a quarter of all Ps, assists    collector
 *   idle Ps                                           nobody
 *   the rest                                          program
 */
#include "gc/gc_int.h"

#define P_CAPACITY_NS UINT64_C(1000000000)

/* ---- the bucket */
void limiter_resize(struct limiter *l, uint32_t procs)
{
    l->capacity_ns = procs * P_CAPACITY_NS;
    if (l->fill_ns >= l->capacity_ns) {
        l->fill_ns = l->capacity_ns;
        l->limiting = true;
    } else {
        l->limiting = false;
    }
}

void limiter_pour(struct limiter *l, uint64_t gc_ns, uint64_t program_ns)
{
    if (gc_ns > program_ns) {
        uint64_t more = gc_ns - program_ns, room = l->capacity_ns - l->fill_ns;
        l->limiting = more >= room;
        l->fill_ns += more < room ? more : room;
    } else if (gc_ns < program_ns) {
        uint64_t less = program_ns - gc_ns;
        l->fill_ns -= less < l->fill_ns ? less : l->fill_ns;
        l->limiting = false;
    }
}

/* ---- the program's */
static struct {
    struct lock lock; /* rank pacer */
    /* lock: */
    struct limiter bucket;
    uint32_t procs;
    bool marking;
    /* lock+atomic: */
    ai64 at_ns; /* of the last look */
    au32 limiting;
    au32 last; /* the cycle in which it began */
    /* atomic: until the next look */
    ai64 assist_ns, stop_ns;
} clock_ = {.lock = LOCK_INIT(pacer)};

bool limiter_limiting(void)
{
    return load_rlx(&clock_.limiting) != 0;
}

uint32_t gc_limiter_last(void)
{
    return load_rlx(&clock_.last);
}

void limiter_add_assist(int64_t ns)
{
    add_rlx(&clock_.assist_ns, ns);
}

void limiter_add_stop(int64_t ns)
{
    add_rlx(&clock_.stop_ns, ns);
}

static uint64_t at_most(uint64_t v, uint64_t most)
{
    return v < most ? v : most;
}

/* The idle Ps of this moment stand for those of the whole time: looks are many. */
static void pour_since(int64_t ns) REQUIRES(clock_.lock)
{
    uint64_t wall = (uint64_t)ns, all = wall * clock_.procs;
    uint64_t stop = (uint64_t)__atomic_exchange_n(&clock_.stop_ns.v, 0, __ATOMIC_RELAXED);
    uint64_t gc_ns = at_most(stop * clock_.procs, all);
    uint64_t rest = all - gc_ns, idle = at_most(wall * sched_idle_ps(), rest);
    gc_ns += (uint64_t)__atomic_exchange_n(&clock_.assist_ns.v, 0, __ATOMIC_RELAXED);
    if (clock_.marking)
        gc_ns += rest / 4;
    limiter_pour(&clock_.bucket, gc_ns, all > gc_ns + idle ? all - gc_ns - idle : 0);
}

static void look(int64_t now_ns) REQUIRES(clock_.lock)
{
    int64_t at = load_rlx(&clock_.at_ns);
    if (clock_.procs != 0 && now_ns > at)
        pour_since(now_ns - at);
    store_rlx(&clock_.at_ns, now_ns);
    if (clock_.procs != sched_nprocs()) {
        clock_.procs = sched_nprocs();
        limiter_resize(&clock_.bucket, clock_.procs);
    }
    if (clock_.bucket.limiting && load_rlx(&clock_.limiting) == 0)
        store_rlx(&clock_.last, load_rlx(&gc.cycle) + 1);
    store_rlx(&clock_.limiting, (uint32_t)clock_.bucket.limiting);
}

static void turn(int64_t now_ns, bool marking)
{
    lock(&clock_.lock);
    look(now_ns);
    clock_.marking = marking;
    unlock(&clock_.lock);
}

void limiter_mark_start(int64_t now_ns)
{
    turn(now_ns, true);
}

void limiter_mark_end(int64_t now_ns)
{
    turn(now_ns, false);
}

void limiter_update(int64_t now_ns)
{
    if (now_ns - load_rlx(&clock_.at_ns) < GC_LIMITER_LOOK_NS)
        return;
    if (!lock_try(&clock_.lock))
        return; /* somebody else looks */
    look(now_ns);
    unlock(&clock_.lock);
}
