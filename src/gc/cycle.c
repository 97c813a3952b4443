/* cycle.c: the phases of a collection.
 *
 * Owns    the order of a cycle, and what is known of the running one.
 * Holds   1. One cycle at a time; the next begins when the sweep of the last is over.
 *         2. gc.phase changes only while the world is stopped.
 * Locks   none. The leader of the gang alone runs cycles, when request.c has got a request.
 *
 *            asked                  stop            stop                swept
 *   GC_OFF --------> finish sweep --------> GC_MARK -------> GC_OFF, sweep ------> GC_OFF
 *
 * The ways differ in the middle only. WAY_DIRTY marks while the program runs and looks again at pages
 * that were written; WAY_SNAPSHOT lets a child mark what was there at the first stop; WAY_STOPPED does
 * all in one stop.
 */
#include "gc/gc_int.h"
#include "gc/taps.h"

#include "base/track.h"
#include "conf/conf.h"
#include "dump/dump.h"
#include "sync/sync.h"

#include <string.h>

struct gc gc;
struct gc_pauses gc_pauses;

/* The running cycle. */
static struct {
    /* leader: */
    struct gc_trace t;
    uint64_t live_marking; /* heap when marking began */
    uint64_t pause_ns;     /* of all stops */
    int64_t slices_ns;     /* of stops before the last one */
    uint32_t procs;
    enum gc_way way;
    /* atomic, by the gang: */
    ai64 began_ns; /* the leader writes, the monitor reads */
    au32 job, jobs_left, finished;
    au64 pages; /* written ones, in this round */
    ai64 worker_total_ns, idle_total_ns;
} now;

static uint64_t last_scan_bytes; /* of heap and stacks, by the last cycle */
static int64_t gc_cpu_ns;        /* of all cycles, without idle workers */

/* ---- jobs: what is to be looked at before draining */
enum { STACK_PARTS = 16, ROOT_PARTS = 4, SPECIAL_PARTS = 4, MARK_SLICE_NS = 1000000 };

enum job_kind { JOBS_ROOTS, JOBS_ROUND, JOBS_STOP, JOBS_ALL };
static enum job_kind job_kind; /* leader writes, the gang reads */
static uint32_t job_count;

static bool many_stacks(void)
{
    return stack_count_taken() > GC_STACKS_MANY;
}

/* The walk over a million stacks takes longer than looking at those that ran: that is left to the last
 * stop then, which walks over them in any case. */
static void collect_written(struct marker *mk, unsigned part, unsigned parts)
{
    bool stacks = job_kind == JOBS_STOP || !many_stacks();
    add_rlx(&now.pages, (uint64_t)dirty_collect(part, parts, stacks, mark_pages, mk));
}

static void job_of_roots(struct marker *mk, unsigned i, bool stopped)
{
    if (i < STACK_PARTS) {
        if (stopped)
            stacks_mark_all(mk, i, STACK_PARTS);
        else
            stacks_mark_parked(mk, i, STACK_PARTS);
        return;
    }
    i -= STACK_PARTS;
    if (i < ROOT_PARTS) {
        roots_mark(mk, i, ROOT_PARTS, true);
        return;
    }
    i -= ROOT_PARTS;
    if (i < SPECIAL_PARTS)
        specials_mark(mk, i, SPECIAL_PARTS);
    else
        final_mark(mk);
}

/* In the last stop: what was written meanwhile, and what nobody tracks. */
static void job_of_stop(struct marker *mk, unsigned i, unsigned n)
{
    unsigned parts = n / 2;
    if (i < parts) {
        collect_written(mk, i, parts);
        return;
    }
    stacks_mark_threads(mk, i - parts, parts);
    roots_mark(mk, i - parts, parts, false);
    if (i == parts)
        final_mark(mk);
}

static void job_do(struct marker *mk, unsigned i)
{
    switch (job_kind) {
    case JOBS_ROOTS:
        job_of_roots(mk, i, false);
        break;
    case JOBS_ALL:
        job_of_roots(mk, i, true);
        break;
    case JOBS_ROUND:
        collect_written(mk, i, job_count);
        break;
    case JOBS_STOP:
        job_of_stop(mk, i, job_count);
        break;
    }
    sub_seq(&now.jobs_left, 1u);
}

static void jobs_set(enum job_kind kind, unsigned n)
{
    if (kind == JOBS_ROOTS || kind == JOBS_ALL)
        n = STACK_PARTS + ROOT_PARTS + SPECIAL_PARTS + 1;
    job_kind = kind;
    job_count = n;
    store_rlx(&now.finished, 0u);
    store_rlx(&now.pages, (uint64_t)0);
    store_seq(&now.jobs_left, (uint32_t)n);
    store_seq(&now.job, 0u);
}

/* One job if one is left. */
static bool job_next(struct marker *mk)
{
    if (load_rlx(&now.job) >= job_count)
        return false;
    uint32_t i = add_seq(&now.job, 1u);
    if (i >= job_count)
        return false;
    job_do(mk, i);
    return true;
}

/* Jobs and draining until the slice is over or nothing is to be had; the bytes scanned. */
static size_t mark_slice(int64_t slice_ns)
{
    enum { CHUNK = 64 * 1024 };
    struct marker *mk = marker_take();
    int64_t end = slice_ns > 0 ? os_nanotime() + slice_ns : INT64_MAX;
    size_t work = 0;
    for (;;) {
        bool job = job_next(mk);
        size_t w = mark_drain(mk, CHUNK);
        work += w;
        if ((!job && w == 0) || os_nanotime() >= end)
            break;
    }
    marker_put(mk);
    return work;
}

static bool all_marked(void)
{
    return load_seq(&now.jobs_left) == 0 && mark_quiet();
}

/* ---- marking while the program runs: a quarter of the Ps, and those that are idle */

/* The part of one CPU that member i may use while no P is idle. */
static double share_of(unsigned i)
{
    double quarter = 0.25 * now.procs - i;
    return quarter <= 0 ? 0 : quarter >= 1 ? 1 : quarter;
}

static void account(int64_t ns, bool idle)
{
    add_rlx(idle ? &now.idle_total_ns : &now.worker_total_ns, ns);
    cpu_report(idle ? CPU_IDLE : CPU_DEDICATED, ns);
}

/* Gives the CPU to the program for as long as the share asks. A member without a share waits until a P
 * is idle. */
static void rest(unsigned i, int64_t worked_ns)
{
    double share = share_of(i);
    if (share >= 1 || sched_idle_ps() > 0)
        return;
    int64_t ns = share > 0 ? (int64_t)((double)worked_ns * (1 / share - 1)) : MARK_SLICE_NS;
    os_sleep_ns(ns < 10 * MARK_SLICE_NS ? ns : 10 * MARK_SLICE_NS);
}

static void mark_running(unsigned i, unsigned n, void *arg)
{
    (void)n;
    (void)arg;
    while (load_acq(&now.finished) == 0) {
        bool idle = sched_idle_ps() > i;
        if (!idle && share_of(i) <= 0) {
            os_sleep_ns(MARK_SLICE_NS / 5);
            continue;
        }
        int64_t t0 = os_nanotime();
        size_t work = mark_slice(MARK_SLICE_NS);
        int64_t took = os_nanotime() - t0;
        account(took, idle);
        if (work > 0) {
            assist_credit(work);
            pacer_revise();
        }
        if (all_marked()) {
            store_rel(&now.finished, 1u); /* pairs with the loop */
            return;
        }
        if (work == 0)
            os_sleep_ns(20000); /* others are at the rest */
        else
            rest(i, took);
    }
}

/* With the world stopped: everybody works until nothing is left. */
static void mark_stopped(unsigned i, unsigned n, void *arg)
{
    (void)i;
    (void)n;
    (void)arg;
    while (load_acq(&now.finished) == 0) {
        size_t work = mark_slice(0);
        if (all_marked())
            store_rel(&now.finished, 1u); /* pairs with the loop */
        else if (work == 0)
            cpu_relax(20);
    }
}

/* ---- the stops */
static uint32_t cpus(void)
{
    uint32_t n = sched_nprocs(), most = (uint32_t)os_cpu_count();
    return n < most ? n : most;
}

static int64_t stop_world(enum stw_kind kind)
{
    int64_t t = os_nanotime();
    store_seq(&gc.stopping, 1u);
    world_stop_all_for(WAIT_STOPPING, kind);
    store_seq(&gc.stopping, 0u);
    return t;
}

static void stop_with_roots_listed(int64_t *began, enum stw_kind kind)
{
    roots_list();
    *began = stop_world(kind);
    while (!roots_current()) { /* the loader was at work */
        world_start();
        roots_list();
        stop_world(kind);
    }
}

static void begin_marking(void)
{
    gc_request_met(GC_WHY_HEAP);
    if (knobs.allocfreetrace > 0)
        gc_watch_cycle();
    mark_reset();
    pool_rotate();
    mem_mark_start();
    store_seq(&gc.phase, (uint32_t)GC_MARK);
    now.t.live_start = pacer_live();
    pacer_mark_start();
    now.t.goal = pacer_goal_now();
    limiter_mark_start(os_nanotime());
    now.live_marking = pacer_live();
    tap_gc_begin();
}

static void mark_in_stop(enum job_kind kind)
{
    jobs_set(kind, 2 * gang_size());
    gang_run(mark_stopped, NULL, gang_size());
}

static void count_pause(int64_t ns)
{
    now.pause_ns += (uint64_t)ns;
    if ((uint64_t)ns > gc_pauses.longest_ns)
        gc_pauses.longest_ns = (uint64_t)ns;
    limiter_add_stop(ns);
    cpu_report_stop(ns, now.procs);
}

/* World stopped, the last pause is counted. */
static void publish_pauses(void)
{
    uint32_t at = gc_pauses.num_gc % ARRAY_LEN(gc_pauses.pause_ns);
    gc_pauses.last_gc = (uint64_t)os_walltime();
    gc_pauses.pause_ns[at] = now.pause_ns;
    gc_pauses.pause_end[at] = gc_pauses.last_gc;
    gc_pauses.pause_total_ns += now.pause_ns;
    gc_pauses.num_gc++;
    gc_pauses.num_forced_gc += now.t.forced;
}

static void publish_cpu(void)
{
    struct gc_trace *t = &now.t;
    int64_t life = os_nanotime() - sched_started_ns();
    t->stop1_cpu_ns = t->stop1_ns * cpus();
    t->stop2_cpu_ns = t->stop2_ns * cpus();
    gc_cpu_ns += t->stop1_cpu_ns + t->stop2_cpu_ns + t->assist_ns + t->worker_ns;
    gc_pauses.cpu_fraction = life > 0 ? (double)gc_cpu_ns / ((double)life * now.procs) : 0;
}

/* What a child counted is in memory that it shares. */
static struct mark_counts *child_counts;

static void report_to_pacer(void)
{
    struct mark_counts c;
    if (now.way == WAY_SNAPSHOT)
        c = *child_counts;
    else
        mark_counts(&c);
    int64_t assist = assist_take_ns();
    now.t.worker_ns = load_rlx(&now.worker_total_ns);
    now.t.idle_ns = load_rlx(&now.idle_total_ns);
    now.t.live_end = pacer_live();
    struct pacer_result r = {
        .marked_bytes = c.marked_bytes + (now.t.live_end - now.live_marking),
        .heap_scan = c.heap_bytes,
        .stack_scan = c.stack_bytes,
        .globals_scan = c.global_bytes,
        .assist_ns = assist,
        .background_ns = now.t.worker_ns,
        .idle_ns = now.t.idle_ns,
        .mark_ns = now.t.mark_ns,
    };
    now.t.marked = r.marked_bytes;
    last_scan_bytes = c.heap_bytes + c.stack_bytes;
    now.t.stacks = c.stack_bytes;
    now.t.globals = roots_bytes();
    now.t.assist_ns = assist;
    pacer_mark_end(&r);
}

/* World stopped, everything is marked. */
static void end_marking(bool by_child)
{
    /* A child's marks are of another moment: mark_in_child. */
    if (knobs.gccheckmark != 0 && !by_child)
        gc_checkmark();
    leaks_look();
    if (knobs.cgocheck >= 2)
        gc_cgocheck2();
    DCHECK_SLOW((gc_verify(), true));
    report_to_pacer();
    prof_heap_cycle();
    store_seq(&gc.phase, (uint32_t)GC_OFF);
    mem_mark_end();
    limiter_mark_end(os_nanotime());
    add_seq(&gc.cycle, 1u);
    tap_gc_end();
    tap_heap_alloc(pacer_live());
    tap_heap_goal(pacer_goal_now());
    if (knobs.gcstoptheworld >= 2)
        sweep_all();
}

/* The end of the second stop, which began at `from`. */
static void start_world(int64_t from)
{
    now.t.stop2_ns = os_nanotime() - from;
    count_pause(now.t.stop2_ns);
    now.t.stop2_ns += now.slices_ns;
    now.t.mark_ns -= now.slices_ns;
    publish_pauses();
    publish_cpu();
    world_start();
}

/* ---- looking again at what was written
 *
 * Rounds end when few pages were written during one: what the last stop has to look at. Where they do not
 * shrink, the program is slowed down: backlog.c. */
static void stop_for_a_slice(void)
{
    int64_t from = stop_world(STW_MARK_SLICE);
    (void)backlog_work_off(os_nanotime() + GC_SLICE_STOP_NS, gang_size());
    int64_t took = os_nanotime() - from;
    now.slices_ns += took;
    count_pause(took);
    world_start();
}

static void mark_in_slices(void)
{
    uint64_t before = UINT64_MAX;
    for (int round = 0; round < GC_SLICE_ROUNDS; round++) {
        uint64_t pages = backlog_fill(!many_stacks());
        bool fewer = pages < before - before / 16;
        before = pages;
        bool few = pages <= GC_SLICE_PAGES;
        while (!backlog_work_off(os_nanotime() + GC_SLICE_RUN_NS, 1))
            if (!few)
                stop_for_a_slice();
        if (few || !fewer)
            return;
    }
}

static void mark_rounds(void)
{
    uint64_t before = UINT64_MAX;
    for (int round = 0; round < GC_ROUNDS_MAX; round++) {
        jobs_set(JOBS_ROUND, 4 * gang_size());
        gang_run(mark_running, NULL, gang_size());
        uint64_t pages = load_rlx(&now.pages);
        if (pages <= GC_PAGES_FEW)
            return;
        if (pages > before - before / 4)
            break;
        before = pages;
    }
    if (load_rlx(&now.pages) > GC_SLICE_PAGES)
        mark_in_slices();
}

static void arm_part(unsigned i, unsigned n, void *arg)
{
    int r = dirty_arm(i, n);
    if (r != 0)
        store_rlx((ai32 *)arg, (int32_t)r);
}

static bool arm(void)
{
    ai32 refused = {0};
    gang_run(arm_part, &refused, sched_idle_ps() > 0 ? gang_size() : 1);
    return load_rlx(&refused) == 0;
}

/* ---- the three ways */
/* The last cycle found so little to look at that looking at it takes less than being seen twice. */
static bool looks_brief(void)
{
#ifdef GORT_HOSTILE
    return gc_pauses.num_gc % 2 == 1;
#else
    return gc_pauses.num_gc > 0 && last_scan_bytes <= GC_BRIEF_BYTES &&
           stack_count_taken() <= GC_BRIEF_STACKS;
#endif
}

/* World stopped, marking has begun: tries to end it at once, alone. */
static bool mark_briefly(void)
{
    store_seq(&gc.phase, (uint32_t)GC_TERM);
    jobs_set(JOBS_ALL, 0);
    mark_slice(GC_BRIEF_NS);
    if (all_marked())
        return true;
    store_seq(&gc.phase, (uint32_t)GC_MARK);
    return false;
}

/* The world was stopped at t0; the cycle is one stop. */
static void end_briefly(int64_t t0, int64_t t1)
{
    now.t.stop1_ns = t1 - t0;
    now.t.mark_ns = os_nanotime() - t1;
    store_rlx(&now.worker_total_ns, now.t.mark_ns);
    count_pause(now.t.stop1_ns + now.t.mark_ns);
    end_marking(false);
    start_world(t1 + now.t.mark_ns);
}

/* The kernel tells nothing any more: the program closed our descriptors. */
enum marked { MARKED, MARKED_NOTHING, MARKED_NOTHING_STOPPED };

/* A brief cycle protects nothing before it is stopped. If it turns out not to be brief, what it has marked
 * by then holds, since nothing runs; the rest goes as in any cycle. */
static enum marked mark_by_dirty_pages(void)
{
    int64_t t0, t1, t2;
    bool brief = looks_brief();
    roots_list();
    if (!brief && !arm())
        return MARKED_NOTHING;
    if (brief)
        stop_with_roots_listed(&t0, STW_SWEEP_TERM);
    else
        t0 = stop_world(STW_SWEEP_TERM);
    begin_marking();
    t1 = os_nanotime();
    if (brief && mark_briefly()) {
        end_briefly(t0, t1);
        return MARKED;
    }
    if (brief && !arm())
        return MARKED_NOTHING_STOPPED;
    t1 = os_nanotime();
    now.t.stop1_ns = t1 - t0;
    count_pause(now.t.stop1_ns);
    world_start();
    jobs_set(JOBS_ROOTS, 0);
    gang_run(mark_running, NULL, gang_size());
    mark_rounds();
    stop_with_roots_listed(&t2, STW_MARK_TERM);
    now.t.mark_ns = t2 - t1;
    store_seq(&gc.phase, (uint32_t)GC_TERM);
    mark_in_stop(JOBS_STOP);
    end_marking(false);
    start_world(t2);
    return MARKED;
}

static int mark_in_child(void *arg)
{
    (void)arg;
    work_reset_in_child();
    jobs_set(JOBS_ALL, 0);
    mark_stopped(0, 1, NULL);
    mark_counts(child_counts);
    if (knobs.gccheckmark != 0) { /* later a stale word may point to what was dead */
        mem_unshare_marks();      /* the program's objects are born marked meanwhile */
        gc_checkmark();
    }
    return 0;
}

/* False: no child to be had; the world is still stopped and nothing is marked. */
static bool mark_by_snapshot(void)
{
    int64_t t0, t2;
    if (child_counts == NULL)
        child_counts = os_map_shared(sizeof *child_counts);
    stop_with_roots_listed(&t0, STW_SWEEP_TERM);
    begin_marking();
    if (child_counts == NULL)
        return false;
    mem_keep_from_child(true);
    int pid = snapshot_start(mark_in_child, NULL);
    mem_keep_from_child(false);
    if (pid < 0)
        return false;
    int64_t t1 = os_nanotime();
    now.t.stop1_ns = t1 - t0;
    count_pause(now.t.stop1_ns);
    world_start();
    int result = snapshot_wait(pid);
    stop_with_roots_listed(&t2, STW_MARK_TERM);
    now.t.mark_ns = t2 - t1;
    store_rlx(&now.worker_total_ns, now.t.mark_ns);
    cpu_report_child(now.t.mark_ns);
    if (result != 0 && knobs.gccheckmark != 0)
        throw("checkmark found unmarked object");
    if (result != 0)
        return false;
    store_seq(&gc.phase, (uint32_t)GC_TERM);
    end_marking(true);
    start_world(t2);
    return true;
}

static void mark_with_world_stopped(bool is_stopped)
{
    int64_t t0 = os_nanotime();
    if (!is_stopped) {
        stop_with_roots_listed(&t0, STW_SWEEP_TERM);
        begin_marking();
    } else {
        gc_unmark_all(); /* a child died at it, or the kernel refused halfway */
    }
    int64_t t1 = os_nanotime();
    now.t.stop1_ns += t1 - t0;
    store_seq(&gc.phase, (uint32_t)GC_TERM);
    mark_in_stop(JOBS_ALL);
    int64_t took = os_nanotime() - t1;
    now.t.mark_ns += took;
    count_pause(t1 - t0 + took);
    store_rlx(&now.worker_total_ns, now.t.mark_ns * now.procs);
    end_marking(false);
    start_world(t1 + took);
}

static enum gc_way way_now(void)
{
    return knobs.gcstoptheworld > 0 ? WAY_STOPPED : gc.way;
}

/* ---- one cycle */
static void prepare(bool forced)
{
    memset(&now.t, 0, sizeof now.t);
    now.t.forced = forced;
    store_rlx(&now.worker_total_ns, (int64_t)0);
    store_rlx(&now.idle_total_ns, (int64_t)0);
    store_rlx(&now.began_ns, os_nanotime());
    now.procs = sched_nprocs();
    now.pause_ns = 0;
    now.slices_ns = 0;
    gang_grow(cpus());
}

static void finish(void)
{
    struct gc_trace *t = &now.t;
    t->fraction = gc_pauses.cpu_fraction;
    t->cycle = gc_pauses.num_gc;
    t->at_ns = load_rlx(&now.began_ns) - sched_started_ns();
    t->procs = now.procs;
    assist_wake_all();
    prof_heap_publish();
    if (!many_stacks()) /* else the monitor does it, now and then */
        dump_stamp_waiting(os_nanotime());
    if (knobs.gctrace > 0) {
        gc_trace_way(now.way);
        gc_trace_print(t);
    }
    if (knobs.allocfreetrace > 0)
        gc_watch_cycle_say();
}

void gc_run_cycle(bool forced)
{
    prepare(forced);
    sweep_all();
    enum gc_way way = now.way = way_now();
    bool done = false, stopped = false;
    if (way == WAY_DIRTY) {
        enum marked m = mark_by_dirty_pages();
        done = m == MARKED;
        stopped = m == MARKED_NOTHING_STOPPED;
    } else if (way == WAY_SNAPSHOT) {
        done = mark_by_snapshot();
        stopped = !done;
    }
    if (!done) {
        now.way = WAY_STOPPED;
        mark_with_world_stopped(stopped);
    }
    finish();
    sweep_all();
    if (forced)
        prof_heap_publish_swept();
    stacks_shrink();
    scavenge_swept();
}

int64_t gc_began_ns(void)
{
    return load_rlx(&now.began_ns);
}

bool gc_marking(void)
{
    return load_seq(&gc.phase) != GC_OFF;
}

uint64_t gc_goal(void)
{
    return pacer_goal_now();
}

void gc_init(void)
{
    int32_t way = knobs.gcway;
    if (way == WAY_AUTO && track_is(TRACK_FAKES | TRACK_VALGRIND))
        way =
            WAY_STOPPED; /* frames that are not on stacks; system calls that valgrind does not know */
    gc.way = way >= WAY_DIRTY && way <= WAY_STOPPED ? (enum gc_way)way : WAY_DIRTY;
    if (gc.way == WAY_DIRTY && dirty_start() != 0)
        gc.way = WAY_SNAPSHOT;
    if (gc.way == WAY_SNAPSHOT)
        mem_share_marks();
    pacer_update();
    gc_cpu_init();
    gc_watch_init();
}
