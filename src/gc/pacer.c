/* pacer.c: when a collection begins, and how hard the program must help.
 *
 * Owns    the heap's goal and trigger, the live bytes, the ratio of assists. struct pacer is the
 *         arithmetic of go1.20, apart from the program; below it the program's own.
 * Holds   1. marked <= trigger <= goal.
 *         2. live = what the last cycle marked + all runs of slots and large objects handed to caches
 *            since; slots that a cache gave back at a stop stay counted until the next cycle.
 *         3. With a limit the goal follows what is mapped: it is computed anew each LOOK_BYTES.
 *         4. The heap asks for a cycle once: `asked` is the number of the cycle asked for, or 0.
 * Locks   pacer.lock, rank pacer, for the state; live, look_at, goal and ratio are read without.
 *
 *      0      marked        trigger                  goal
 *      |--------|--------------|---- runway ----------|
 *        lives      allocated       marking runs; done when the heap reaches the goal
 *
 * The runway is what the program allocates while a quarter of the CPUs marks: cons_mark says how many
 * bytes are allocated in the CPU time that scans one.
 */
#include "gc/gc_int.h"

#include "conf/conf.h"

#include <string.h>

#define HEADROOM        (1 * MIB)  /* kept below the memory limit */
#define SWEEP_BYTES     (1 * MIB)  /* a sweep gets at least so much allocation to finish in */
#define RUNWAY_MIN      (64 * KIB) /* a cycle's goal is at least so far from its trigger */
#define BACKGROUND      0.25       /* of all CPU time */
#define WORK_MIN        1000
#define UTILIZATION_MAX 0.95
#define LOOK_BYTES      (1 * MIB)
#define NONE            UINT64_MAX

/* ---- arithmetic */
static uint64_t add_sat(uint64_t a, uint64_t b)
{
    uint64_t sum;
    return __builtin_add_overflow(a, b, &sum) ? NONE : sum;
}

static uint64_t percent_of(uint64_t bytes, int32_t percent)
{
    uint64_t product;
    if (__builtin_mul_overflow(bytes, (uint64_t)percent, &product))
        return NONE;
    return product / 100;
}

static uint64_t roots_scan(const struct pacer *p)
{
    return p->stack_scan + p->globals_scan;
}

static uint64_t goal_of_percent(const struct pacer *p)
{
    if (p->percent < 0)
        return NONE;
    uint64_t least = percent_of(GC_HEAP_MIN, p->percent);
    uint64_t goal = add_sat(p->marked, percent_of(p->marked + roots_scan(p), p->percent));
    return goal > least ? goal : least;
}

/* What the limit leaves for objects: all but the runtime's own memory, what blocks and pages waste,
 * and what is mapped beyond the limit already. */
static uint64_t goal_of_limit(const struct pacer *p, const struct pacer_memory *mem)
{
    uint64_t heap = mem->heap_free + mem->heap_alloc;
    uint64_t other = mem->mapped_ready > heap ? mem->mapped_ready - heap : 0;
    uint64_t over = mem->mapped_ready > p->limit ? mem->mapped_ready - p->limit : 0;
    if (add_sat(other, over) >= p->limit)
        return p->marked;
    uint64_t goal = p->limit - other - over;
    goal = goal < 2 * HEADROOM ? HEADROOM : goal - HEADROOM;
    return goal > p->marked ? goal : p->marked;
}

static uint64_t clamp(uint64_t v, uint64_t lo, uint64_t hi)
{
    return v < lo ? lo : v > hi ? hi : v;
}

/* Bytes of allocation that pass while all there is is scanned in the background. */
static uint64_t runway(const struct pacer *p)
{
    double bytes =
        p->cons_mark * ((1 - BACKGROUND) / BACKGROUND) * (double)(p->heap_scan + roots_scan(p));
    return bytes < 0x1p63 ? (uint64_t)bytes : NONE;
}

/* Not so early that a heap is collected all the time, nor so late that marking has no time: between 45
 * and 61 of 64 parts of the way. */
static uint64_t trigger_for(const struct pacer *p, uint64_t goal, uint64_t least)
{
    if (goal <= p->marked)
        return goal;
    uint64_t part = (goal - p->marked) / 64, run = runway(p);
    uint64_t lo = p->marked + 45 * part, hi = p->marked + 61 * part;
    if (least > lo)
        lo = least;
    if (goal > GC_HEAP_MIN && goal - GC_HEAP_MIN > hi)
        hi = goal - GC_HEAP_MIN;
    if (hi < lo)
        hi = lo;
    return clamp(run > goal ? lo : goal - run, lo, hi);
}

struct pacer_goals pacer_goals(const struct pacer *p, const struct pacer_memory *mem)
{
    struct pacer_goals g = {.goal = goal_of_percent(p)};
    uint64_t by_limit = goal_of_limit(p, mem), least = 0;
    if (by_limit < g.goal) {
        g.goal = by_limit;
        g.limit_decides = true;
    } else {
        least = p->sweep_min;
        if (g.goal < least)
            g.goal = least;
        if (p->triggered != NONE && g.goal < p->triggered + RUNWAY_MIN)
            g.goal = p->triggered + RUNWAY_MIN;
    }
    g.trigger = trigger_for(p, g.goal, least);
    return g;
}

double pacer_assist_ratio(const struct pacer *p, uint64_t live, uint64_t goal_bytes, uint64_t work)
{
    double most = (double)(p->heap_most + p->stack_most + p->globals_scan);
    double expected = (double)(p->heap_scan + roots_scan(p));
    double goal = (double)goal_bytes, begun = (double)p->triggered;
    if ((double)work >
        expected) { /* more is alive than last time: the heap may grow as much more */
        double hard = goal * (1 + (p->percent < 0 ? 100000 : p->percent) / 100.0);
        double further = expected > 0 ? begun + (goal - begun) / expected * most : hard;
        goal = further > hard ? hard : further;
        expected = most;
    }
    if ((double)live > goal) {
        goal *= 1.1;
        expected = most;
    }
    double left = expected - (double)work, room = goal - (double)live;
    return (left < WORK_MIN ? WORK_MIN : left) / (room < 1 ? 1 : room);
}

static double part_of_cpus(const struct pacer *p, int64_t ns, int64_t wall_ns)
{
    return wall_ns > 0 && p->procs > 0 ? (double)ns / ((double)wall_ns * p->procs) : 0;
}

static void note_cons_mark(struct pacer *p, double now)
{
    enum { N = ARRAY_LEN(p->last_cons_mark) };
    p->cons_mark = now;
    for (int i = 0; i < N; i++)
        if (p->last_cons_mark[i] > p->cons_mark)
            p->cons_mark = p->last_cons_mark[i];
    memmove(p->last_cons_mark, p->last_cons_mark + 1, (N - 1) * sizeof now);
    p->last_cons_mark[N - 1] = now;
}

/* What background marking got is measured, for the gang's threads share the CPUs as the system likes. */
static double learn_cons_mark(struct pacer *p, const struct pacer_result *r, uint64_t live)
{
    double background = part_of_cpus(p, r->background_ns, r->mark_ns);
    double used =
        (background > 0 ? background : BACKGROUND) + part_of_cpus(p, r->assist_ns, r->mark_ns);
    double work = (double)(r->heap_scan + r->stack_scan + r->globals_scan);
    if (live <= p->triggered || work <= 0)
        return -1;
    if (used > UTILIZATION_MAX)
        used = UTILIZATION_MAX;
    double grown = (double)(live - p->triggered);
    double marking = used + part_of_cpus(p, r->idle_ns, r->mark_ns);
    note_cons_mark(p, grown * marking / (work * (1 - used)));
    return used;
}

double pacer_learn(struct pacer *p, const struct pacer_result *r, uint64_t live)
{
    double used = learn_cons_mark(p, r, live);
    p->marked = r->marked_bytes;
    p->heap_scan = r->heap_scan;
    p->stack_scan = r->stack_scan; /* globals are as large as they are, however often scanned */
    p->sweep_min = p->marked + SWEEP_BYTES;
    p->triggered = NONE;
    return used;
}

unsigned pacer_workers(uint32_t procs, double *fraction)
{
    double wanted = BACKGROUND * procs;
    unsigned whole = (unsigned)(wanted + 0.5);
    *fraction = 0;
    double miss = whole / wanted - 1;
    if (miss > 0.3 || miss < -0.3) {
        if (whole > wanted)
            whole--;
        *fraction = (wanted - whole) / procs;
    }
    return whole;
}

/* ---- the program's */
static struct {
    struct lock lock; /* rank pacer */
    /* lock: */
    struct pacer p;
    struct pacer_goals now;
    uint64_t garbage;      /* dead bytes that the last cycle left to sweep */
    uint64_t swept_before; /* by all cycles up to it */
    bool started;
    /* atomic: */
    au64 live;
    /* lock+atomic: */
    au64 goal;
    au64 goal_now; /* of the running or the last cycle */
    au64 look_at;  /* with so much alive somebody must look again */
    au64 ratio;    /* a double */
    au64 limit;
    au32 by_itself;
    /* atomic: */
    au32 asked;   /* 1 + cycles completed, when the heap last asked for one */
    au32 refills; /* in hostile builds, since the last cycle */
} pacer = {
    .lock = LOCK_INIT(pacer),
    .p = {.triggered = NONE},
    .look_at = {NONE},
    .goal = {NONE},
};

uint64_t pacer_goal(void)
{
    return load_rlx(&pacer.goal);
}

uint64_t pacer_live(void)
{
    return load_rlx(&pacer.live);
}

uint64_t pacer_goal_now(void)
{
    return load_rlx(&pacer.goal_now);
}

uint64_t pacer_limit(void)
{
    return load_rlx(&pacer.limit);
}

bool pacer_collects_by_itself(void)
{
    return load_rlx(&pacer.by_itself) != 0;
}

double pacer_ratio(void)
{
    uint64_t bits = load_rlx(&pacer.ratio);
    double ratio;
    memcpy(&ratio, &bits, sizeof ratio);
    return ratio;
}

static void set_ratio(double ratio)
{
    uint64_t bits;
    memcpy(&bits, &ratio, sizeof bits);
    store_rlx(&pacer.ratio, bits);
}

static uint64_t swept_bytes(void)
{
    struct sweep_counts c;
    sweep_counts(&c);
    uint64_t bytes = c.freed_large_bytes;
    for (unsigned i = 1; i < CLASSES; i++)
        bytes += c.freed[i] * class_bytes[i];
    return bytes;
}

/* Dead objects that are not swept: they are neither alive nor free. */
static uint64_t unswept_bytes(void) REQUIRES(pacer.lock)
{
    if (mem_sweep_done())
        return 0;
    uint64_t swept = swept_bytes() - pacer.swept_before;
    return pacer.garbage > swept ? pacer.garbage - swept : 0;
}

static void read_memory(struct pacer_memory *mem) REQUIRES(pacer.lock)
{
    struct mem_usage u;
    memset(mem, 0, sizeof *mem);
    if (pacer.p.limit == INT64_MAX)
        return; /* no goal of a limit that large matters */
    mem_usage_read(&u);
    mem->mapped_ready = mem_mapped_ready();
    mem->heap_free = u.heap_sys - u.heap_inuse - u.heap_released;
    mem->heap_alloc = load_rlx(&pacer.live) + unswept_bytes();
}

/* With a limit, a look between now and the trigger; with nothing to collect for, none. */
static void publish(void) REQUIRES(pacer.lock)
{
    uint64_t at = pacer.now.trigger;
    if (pacer.p.limit != INT64_MAX && load_rlx(&pacer.live) + LOOK_BYTES < at)
        at = load_rlx(&pacer.live) + LOOK_BYTES;
    bool ever = knobs.sbrk == 0 && (pacer.p.percent >= 0 || pacer.p.limit != INT64_MAX);
    store_rlx(&pacer.by_itself, (uint32_t)ever);
    store_rlx(&pacer.goal, pacer.now.goal);
    store_rlx(&pacer.limit, pacer.p.limit);
    store_rlx(&pacer.look_at, ever ? at : NONE);
}

static void decide(void) REQUIRES(pacer.lock)
{
    struct pacer_memory mem;
    read_memory(&mem);
    pacer.now = pacer_goals(&pacer.p, &mem);
    publish();
}

static void start(void) REQUIRES(pacer.lock)
{
    if (pacer.started)
        return;
    pacer.started = true;
    pacer.p.percent = conf_gogc();
    pacer.p.limit = (uint64_t)conf_memory_limit();
}

/* Something was set: who asked for a cycle under the old rules may ask again under the new. */
static void update(void) REQUIRES(pacer.lock)
{
    start();
    pacer.p.procs = sched_nprocs();
    if (pacer.p.triggered == NONE && mem_sweep_done())
        pacer.p.sweep_min = 0;
    decide();
    store_rlx(&pacer.asked, 0u);
    scavenge_limit(pacer.p.limit == INT64_MAX ? NONE : pacer.p.limit);
}

void pacer_update(void)
{
    lock(&pacer.lock);
    update();
    unlock(&pacer.lock);
}

int32_t pacer_set_percent(int32_t percent)
{
    lock(&pacer.lock);
    start();
    int32_t old = pacer.p.percent;
    pacer.p.percent = percent < 0 ? -1 : percent;
    update();
    unlock(&pacer.lock);
    return old;
}

int32_t pacer_percent(void)
{
    lock(&pacer.lock);
    start();
    int32_t percent = pacer.p.percent;
    unlock(&pacer.lock);
    return percent;
}

uint64_t pacer_set_limit(uint64_t bytes)
{
    lock(&pacer.lock);
    start();
    uint64_t old = pacer.p.limit;
    pacer.p.limit = bytes;
    update();
    unlock(&pacer.lock);
    return old;
}

/* ---- around a cycle */
static uint64_t work_done(void)
{
    struct mark_counts c;
    mark_counts(&c);
    return c.heap_bytes + c.stack_bytes + c.global_bytes;
}

/* Only marking by dirty pages has work that a goroutine could do. */
static double ratio_now(void) REQUIRES(pacer.lock)
{
    if (gc.way != WAY_DIRTY)
        return 0;
    return pacer_assist_ratio(&pacer.p, load_rlx(&pacer.live), pacer.now.goal, work_done());
}

void pacer_mark_start(void)
{
    struct pacer *p = &pacer.p;
    uint64_t live = load_rlx(&pacer.live), stacks = stacks_bytes(), globals = roots_bytes();
    lock(&pacer.lock);
    p->procs = sched_nprocs();
    p->triggered = live;
    p->heap_most = live;
    p->stack_most = stacks;
    p->globals_scan = globals;
    decide();
    store_rlx(&pacer.goal_now, pacer.now.goal);
    double ratio = ratio_now();
    set_ratio(ratio);
    trace_pacer_start(ratio, p->heap_most, live, pacer.now.goal, p->procs);
    unlock(&pacer.lock);
}

void pacer_revise(void)
{
    if (!lock_try(&pacer.lock))
        return; /* somebody else is at it */
    if (pacer.p.triggered != NONE) {
        decide();
        store_rlx(&pacer.goal_now, pacer.now.goal);
        set_ratio(ratio_now());
    }
    unlock(&pacer.lock);
}

/* Free pages that the next cycle's heap will want, and a tenth more, stay with us. */
static void retain_pages(uint64_t goal_before) REQUIRES(pacer.lock)
{
    struct mem_usage u;
    mem_usage_read(&u);
    double growth = goal_before > 0 ? (double)pacer.now.goal / (double)goal_before : 1;
    double bytes = (double)u.heap_inuse * growth * 1.1;
    scavenge_goal(bytes < 0x1p63 ? (uint64_t)bytes : NONE);
}

void pacer_mark_end(const struct pacer_result *r)
{
    lock(&pacer.lock);
    struct pacer *p = &pacer.p;
    uint64_t live = load_rlx(&pacer.live);
    struct trace_pacer t = {
        .cons_mark = p->cons_mark,
        .heap_scan = r->heap_scan,
        .stack_scan = r->stack_scan,
        .globals_scan = r->globals_scan,
        .expected = p->heap_scan + roots_scan(p),
        .triggered = p->triggered,
        .live = live,
        .goal = load_rlx(&pacer.goal_now),
    };
    t.utilization = pacer_learn(p, r, live);
    if (t.utilization >= 0)
        trace_pacer_end(&t);
    pacer.garbage = live > p->marked ? live - p->marked : 0;
    pacer.swept_before = swept_bytes();
    store_rlx(&pacer.live, p->marked);
    store_rlx(&pacer.refills, 0u);
    set_ratio(0);
    decide();
    retain_pages(t.goal);
    unlock(&pacer.lock);
}

/* ---- the heap grows */
static bool asked_already(void)
{
    return load_rlx(&pacer.asked) == load_rlx(&gc.cycle) + 1;
}

bool pacer_late(void)
{
    return asked_already() && load_rlx(&pacer.live) >= load_rlx(&pacer.goal);
}

static void ask(void)
{
    uint32_t cycle = load_rlx(&gc.cycle) + 1;
    gc_request(GC_WHY_HEAP);
    store_rlx(&pacer.asked, cycle); /* who sees it may wait for that cycle */
}

static COLD void look(void)
{
    if (asked_already())
        return;
    if (!lock_try(&pacer.lock))
        return; /* somebody else looks */
    decide();
    bool due = load_rlx(&pacer.live) >= pacer.now.trigger && pacer_collects_by_itself();
    unlock(&pacer.lock);
    if (due)
        ask();
}

static bool hostile_refill(void)
{
    return GC_EVERY_REFILLS != 0 && pacer_collects_by_itself() && !asked_already() &&
           add_rlx(&pacer.refills, 1u) % (GC_EVERY_REFILLS + 1) == GC_EVERY_REFILLS;
}

void pacer_grow(size_t bytes)
{
    uint64_t live = add_rlx(&pacer.live, (uint64_t)bytes) + bytes;
    if (load_rlx(&gc.phase) != GC_OFF)
        return;
    if (unlikely(live >= load_rlx(&pacer.look_at)))
        look();
    if (hostile_refill())
        ask();
}
