/* start.c: gort_run.
 *
 * Owns    the order in which the rooms start, floor by floor: the environment, memory, stacks, the
 *         scheduler; then the program's initialisers and its function, on goroutine 1.
 */
#include "base/fmt.h"
#include "base/track.h"
#include "conf/conf.h"
#include "gc/gc.h"
#include "mem/mem.h"
#include "metrics/metrics.h"
#include "os/os.h"
#include "panic/panic.h"
#include "panic/race.h"
#include "prof/prof.h"
#include "sched/sched.h"
#include "stack/stack.h"
#include "symb/symb.h"

#include <gort/go.h>
#include <gort/mem.h>

#include <stdlib.h>
#include <sys/resource.h>

#define GORT_VERSION "gort0.1.0"

static au32 ran;
static struct gort_init_record *inits, **inits_end = &inits;

void gort_register_init(struct gort_init_record *r)
{
    *inits_end = r;
    inits_end = &r->next;
}

static void trace_init(const char *name, int64_t at, int64_t took, uint64_t bytes, uint64_t allocs)
{
    struct out o;
    out_init_fd(&o, 2);
    out_str(&o, "init ");
    out_str(&o, name);
    out_str(&o, " @");
    out_ms(&o, at);
    out_str(&o, " ms, ");
    out_ms(&o, took);
    out_str(&o, " ms clock, ");
    out_uint(&o, bytes);
    out_str(&o, " bytes, ");
    out_uint(&o, allocs);
    out_str(&o, " allocs\n");
    out_flush(&o);
}

static void run_inits(int64_t started)
{
    for (struct gort_init_record *r = inits; r != NULL; r = r->next) {
        if (knobs.inittrace == 0) {
            r->fn();
            continue;
        }
        gort_mem_stats before, after;
        gort_read_mem_stats(&before);
        int64_t t0 = os_nanotime();
        r->fn();
        int64_t t1 = os_nanotime();
        gort_read_mem_stats(&after);
        trace_init(r->name, t0 - started, t1 - t0, after.total_alloc - before.total_alloc,
                   after.mallocs - before.mallocs);
    }
}

static int64_t started_ns;

/* Goroutine 1. */
static void main_goroutine(int (*fn)(int, char **), int argc, char **argv)
{
    run_inits(started_ns);
    gort_unlock_os_thread(); /* an initialiser may have locked it once more */
    int status = fn(argc, argv);
    track_release(&started_ns);
    panic_main_end();
    sched_exit_main(status);
}

static size_t main_stack_bytes(void)
{
    struct rlimit r;
    size_t bytes = STACK_BYTES_MAIN;
    if (getrlimit(RLIMIT_STACK, &r) == 0 && r.rlim_cur != RLIM_INFINITY && r.rlim_cur > bytes)
        bytes = r.rlim_cur < GIB ? r.rlim_cur : GIB;
    return bytes;
}

/* exit(3), called by the program or for a main thread in a call. A goroutine that was stopped while it holds the
 * trace's lock would keep it from all others: so it is inside, but as m_enter's nested callers are, without having
 * asked whether to give way. */
static void finish_pagetrace_at_exit(void)
{
    struct m *m = self();
    bool ours = (load_rlx(&m->attention) & ATT_NOBODY) == 0;
    if (ours)
        store_rlx(&m->locks, load_rlx(&m->locks) + 1);
    compiler_barrier(); /* against the handler on this thread */
    pagetrace_finish();
    if (ours)
        m_leave(m);
}

int gort_run(int (*fn)(int argc, char **argv), int argc, char **argv)
{
    if (swap_seq(&ran, 1u) != 0)
        fatal("gort: gort_run called twice");
    started_ns = os_nanotime();
    track_init();
    conf_init();
    symb_init();
    prof_init();
    metrics_init();
    if (fn == NULL)
        fatal("go of nil func value");
    race_start();
    if (pagetrace_start())
        atexit(finish_pagetrace_at_exit);
    gc_init();
    arena_init();
    central_init();
    stack_init(sizeof(struct g), conf_stack_bytes() ? conf_stack_bytes() : STACK_BYTES_DEFAULT);
    struct m *m0 = sched_start(conf_gomaxprocs(os_cpu_count()));
    struct start s = {
        .fn = (void (*)(void))main_goroutine,
        .arg = {(uintptr_t)fn, (uintptr_t)argc, (uintptr_t)argv, 0, 0, main_stack_bytes()},
    };
    int status = sched_run_main(m0, &s);
    prof_cpu_end();
    track_acquire(&started_ns); /* what goroutine 1 did */
    sched_stop_main();
    pagetrace_finish();
    return status;
}

const char *gort_version(void)
{
    return GORT_VERSION;
}

const char *gort_goroot(void)
{
    static const char *root;
    if (root == NULL)
        root = sched_started() ? conf_goroot() : os_env("GOROOT");
    return root != NULL ? root : "";
}
