/* stats.c: MemStats.
 *
 * Owns    the arithmetic from the counters of mem, the sweeper and the cycle to Go's fields.
 * Holds   1. sys = heap_sys + stack_sys + mspan_sys + mcache_sys + buck_hash_sys + gc_sys +
 *            other_sys
 *         2. mallocs - frees = heap_objects; heap_sys = heap_idle + heap_inuse
 *         3. total_alloc - heap_alloc = bytes of what was freed. A dead object is freed when its span
 *            is swept, so between a collection and its sweep dead objects count as alive.
 *         4. mallocs, frees, total_alloc, by_size and the pauses only grow.
 * Locks   none: the world is stopped, and every cache flushed. Sweepers may be at work, which have no
 *         P; each counter of theirs is read once, and after the pages, so that the equations hold
 *         nevertheless.
 */
#include "gc/gc_int.h"

#include <gort/mem.h>

#include <string.h>

static void fill_objects(gort_mem_stats *st, const struct mem_usage *u,
                         const struct sweep_counts *swept)
{
    uint64_t freed_bytes = swept->freed_large_bytes;
    st->total_alloc = u->large_bytes;
    st->mallocs = u->taken[0];
    st->frees = swept->freed[0];
    for (unsigned c = 1; c < CLASSES; c++) {
        st->total_alloc += u->taken[c] * class_bytes[c];
        freed_bytes += swept->freed[c] * class_bytes[c];
        st->mallocs += u->taken[c];
        st->frees += swept->freed[c];
    }
    for (unsigned c = 0; c < ARRAY_LEN(st->by_size); c++) {
        st->by_size[c].size = class_bytes[c];
        st->by_size[c].mallocs = c == 0 ? 0 : u->taken[c];
        st->by_size[c].frees = c == 0 ? 0 : swept->freed[c];
    }
    st->mallocs += u->tiny;
    st->frees += u->tiny;
    st->heap_objects = st->mallocs - st->frees;
    st->alloc = st->heap_alloc = st->total_alloc - freed_bytes;
}

static void fill_sys(gort_mem_stats *st, const struct mem_usage *u)
{
    st->heap_sys = u->heap_sys;
    st->heap_inuse = u->heap_inuse;
    st->heap_idle = u->heap_sys - u->heap_inuse;
    st->heap_released = u->heap_released;
    st->stack_inuse = stacks_bytes();
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

static void fill_cycles(gort_mem_stats *st)
{
    _Static_assert(sizeof st->pause_ns == sizeof gc_pauses.pause_ns, "gc_int.h");
    memcpy(st->pause_ns, gc_pauses.pause_ns, sizeof st->pause_ns);
    memcpy(st->pause_end, gc_pauses.pause_end, sizeof st->pause_end);
    st->pause_total_ns = gc_pauses.pause_total_ns;
    st->last_gc = gc_pauses.last_gc;
    st->num_gc = gc_pauses.num_gc;
    st->num_forced_gc = gc_pauses.num_forced_gc;
    st->gc_cpu_fraction = gc_pauses.cpu_fraction;
    st->next_gc = pacer_goal();
    st->enable_gc = true;
}

STW void gc_read_stats(gort_mem_stats *st)
{
    struct sweep_counts swept;
    struct mem_usage u;
    memset(st, 0, sizeof *st);
    mem_cache_flush_all();
    mem_usage_read(&u);
    sweep_counts(
        &swept); /* last: a span that is free by now still counts as in use, its objects do not */
    fill_objects(st, &u, &swept);
    fill_sys(st, &u);
    fill_cycles(st);
}

/* ---- while it is in use
 *
 * What is freed is read before what is taken, so that nothing is seen to die unborn; and pages last. A span that
 * is given back in between makes what is alive look larger than the pages in use: then these count for more. */
static void add_up(struct gc_heap *h)
{
    const struct mem_usage *u = &h->usage;
    h->allocated_bytes = u->large_bytes;
    h->allocated_objects = u->taken[0];
    h->freed_objects = h->freed[0];
    for (unsigned c = 1; c < CLASSES; c++) {
        h->allocated_bytes += u->taken[c] * class_bytes[c];
        h->freed_bytes += h->freed[c] * class_bytes[c];
        h->allocated_objects += u->taken[c];
        h->freed_objects += h->freed[c];
    }
}

void gc_read_heap(struct gc_heap *h)
{
    struct sweep_counts swept;
    sweep_counts(&swept);
    mem_usage_now(&h->usage);
    memcpy(h->freed, swept.freed, sizeof h->freed);
    h->freed_bytes = swept.freed_large_bytes;
    add_up(h);
    uint64_t alive = h->allocated_bytes - h->freed_bytes, *inuse = &h->usage.heap_inuse;
    if (*inuse < alive) {
        h->usage.heap_sys += alive - *inuse;
        *inuse = alive;
    }
    h->stack_bytes = stacks_bytes();
}

void gc_read_cycles(uint64_t *all, uint64_t *forced)
{
    *all = gc_pauses.num_gc;
    *forced = gc_pauses.num_forced_gc;
}

uint64_t gc_heap_goal(void)
{
    return pacer_goal();
}

void gort_read_mem_stats(gort_mem_stats *stats)
{
    m_enter();
    world_stop_for(WAIT_STOPPING, STW_MEM_STATS);
    gc_read_stats(stats);
    world_start();
    m_leave(self());
}
