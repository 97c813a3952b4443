/* stats.c: MemStats.
 *
 * Owns    the arithmetic from the counters of mem to Go's fields. Nothing is freed yet, and no
 *         collection has happened; the fields say so.
 * Holds   1. sys = heap_sys + stack_sys + mspan_sys + mcache_sys + buck_hash_sys + gc_sys +
 *            other_sys
 *         2. mallocs - frees = heap_objects; heap_sys = heap_idle + heap_inuse
 * Locks   none: the world is stopped, and every cache flushed.
 */
#include "gc/gc.h"

#include <gort/mem.h>

#include "base/check.h"
#include "sched/sched.h"

#include <string.h>

static void fill_objects(gort_mem_stats *st, const struct mem_usage *u)
{
    st->total_alloc = u->large_bytes;
    st->mallocs = u->taken[0];
    for (unsigned c = 1; c < CLASSES; c++) {
        st->total_alloc += u->taken[c] * class_bytes[c];
        st->mallocs += u->taken[c];
    }
    for (unsigned c = 0; c < sizeof st->by_size / sizeof st->by_size[0]; c++) {
        st->by_size[c].size = class_bytes[c];
        st->by_size[c].mallocs = c == 0 ? 0 : u->taken[c];
    }
    st->mallocs += u->tiny;
    st->frees = u->tiny;
    st->heap_objects = st->mallocs - st->frees;
    st->alloc = st->heap_alloc = st->total_alloc;
}

static void fill_sys(gort_mem_stats *st, const struct mem_usage *u)
{
    st->heap_sys = u->heap_sys;
    st->heap_inuse = u->heap_inuse;
    st->heap_idle = u->heap_sys - u->heap_inuse;
    st->heap_released = u->heap_released;
    st->stack_sys = st->stack_inuse;
    st->mspan_inuse = u->span_inuse;
    st->mspan_sys = u->sys[SYS_SPAN];
    st->mcache_inuse = u->cache_inuse;
    st->mcache_sys = u->sys[SYS_CACHE];
    st->buck_hash_sys = u->sys[SYS_BUCKETS];
    st->gc_sys = u->sys[SYS_GC];
    st->other_sys = u->sys[SYS_OTHER];
    st->sys = st->heap_sys + st->stack_sys + st->mspan_sys + st->mcache_sys + st->buck_hash_sys +
              st->gc_sys + st->other_sys;
}

/* Where the stack of a goroutine ends while the world is stopped. */
static uintptr_t stack_pointer(struct g *g)
{
    if (g == m_curg(self()))
        return (uintptr_t)__builtin_frame_address(0);
    return g->sigctx != NULL ? arch_ucontext_regs(g->sigctx).sp : g->ctx.sp;
}

static void add_stack(struct g *g, void *arg)
{
    uint64_t *bytes = arg;
    uintptr_t page = os_page_bytes(), sp = stack_pointer(g);
    if (g->foreign)
        return; /* the thread's own stack: not ours */
    if (sp < g->stack.lo || sp >= g->stack.hi)
        sp = g->stack.hi - 1;
    *bytes += (g->stack.hi + page - 1) / page * page - sp / page * page;
}

void gort_read_mem_stats(gort_mem_stats *stats)
{
    struct mem_usage u;
    memset(stats, 0, sizeof *stats);
    m_enter();
    world_stop(WAIT_STOPPING);
    mem_cache_flush_all();
    mem_usage_read(&u);
    g_each(add_stack, &stats->stack_inuse);
    world_start();
    m_leave(self());
    fill_objects(stats, &u);
    fill_sys(stats, &u);
    stats->next_gc = UINT64_MAX;
}
