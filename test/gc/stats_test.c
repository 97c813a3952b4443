/* MemStats adds up, and counts what dies; added roots are remembered. (Under load: test/prog/mem_stats.c.) */
#include "gc/gc.h"

#include "sched/sched.h"
#include "support.h"

#include <gort/debug.h>
#include <gort/go.h>
#include <gort/mem.h>

#include <criterion/criterion.h>

static void expect_sums(const gort_mem_stats *s)
{
    cr_expect_eq(s->sys, s->heap_sys + s->stack_sys + s->mspan_sys + s->mcache_sys +
                             s->buck_hash_sys + s->gc_sys + s->other_sys);
    cr_expect_eq(s->heap_sys, s->heap_idle + s->heap_inuse);
    cr_expect_eq(s->heap_objects, s->mallocs - s->frees);
    cr_expect_eq(s->alloc, s->heap_alloc);
    cr_expect(s->heap_inuse >= s->heap_alloc);
    cr_expect(s->heap_idle >= s->heap_released);
    cr_expect(s->mspan_sys >= s->mspan_inuse && s->mspan_inuse > 0);
    cr_expect(s->mcache_sys >= s->mcache_inuse && s->mcache_inuse > 0);
    cr_expect(s->stack_inuse > 0 && s->stack_sys >= s->stack_inuse);
    cr_expect(s->enable_gc && !s->debug_gc);
}

static gort_mem_stats a, b;

static void allocate(void)
{
    gort_debug_set_gc_percent(-1);
    gort_alloc(1);
    gort_read_mem_stats(&a);
    for (int i = 0; i < 1000; i++)
        gort_alloc(100);
    for (int i = 0; i < 100; i++)
        gort_alloc_noscan(40000);
    gort_read_mem_stats(&b);
    expect_sums(&a);
    expect_sums(&b);
    cr_expect_eq(b.mallocs - a.mallocs, 1100u);
    cr_expect_eq(b.frees, a.frees);
    cr_expect_eq(b.total_alloc - a.total_alloc, 1000u * 112 + 100u * 40960);
    cr_expect_eq(b.by_size[9].size, 112u);
    cr_expect_eq(b.by_size[9].mallocs - a.by_size[9].mallocs, 1000u);
    uint64_t small = 0;
    for (int i = 0; i < 61; i++)
        small += b.by_size[i].mallocs - a.by_size[i].mallocs;
    cr_expect_eq(small, 1000u);
}
Test(stats, count_what_is_allocated)
{
    cr_expect_eq(in_gort(allocate), 0);
}

static void tiny(void)
{
    gort_gomaxprocs(1); /* each P has a block of its own */
    gort_read_mem_stats(&a);
    for (int i = 0; i < 1600; i++)
        gort_alloc_noscan(1);
    gort_read_mem_stats(&b);
    expect_sums(&b);
    cr_expect_eq(b.frees - a.frees, 1600u);
    uint64_t blocks = b.by_size[2].mallocs - a.by_size[2].mallocs;
    cr_expect(blocks >= 99 && blocks <= 101);
    cr_expect_eq(b.mallocs - a.mallocs, 1600u + blocks);
}
Test(stats, count_tiny_objects_twice_and_their_blocks_once)
{
    cr_expect_eq(in_gort(tiny), 0);
}

static __attribute__((noinline)) void make_garbage(void)
{
    for (int i = 0; i < 1000; i++)
        gort_alloc_noscan(1152);
    for (int i = 0; i < 10; i++)
        gort_alloc_noscan(40000);
}

static void collected(void)
{
    gort_gc();
    gort_read_mem_stats(&a);
    make_garbage();
    gort_gc();
    gort_read_mem_stats(&b);
    expect_sums(&b);
    cr_expect(b.frees - a.frees >= 1000, "%d", (int)(b.frees - a.frees));
    cr_expect(b.by_size[33].size == 1152 && b.by_size[33].frees - a.by_size[33].frees >= 990);
    cr_expect(b.heap_alloc < a.heap_alloc + 500000);
    cr_expect(b.num_gc > a.num_gc && b.num_forced_gc == a.num_forced_gc + 1);
    cr_expect(b.pause_total_ns > a.pause_total_ns && b.last_gc > a.last_gc);
    uint64_t since = 0;
    for (uint32_t i = a.num_gc; i < b.num_gc; i++) /* a hostile build collects on its own, too */
        since += b.pause_ns[i % 256];
    cr_expect_eq(b.pause_total_ns, a.pause_total_ns + since);
}
Test(stats, count_what_is_freed)
{
    cr_expect_eq(in_gort(collected), 0);
}

static void add(void *lo, size_t bytes, void *arg)
{
    (void)lo;
    *(size_t *)arg += bytes;
}

static size_t root_bytes(void)
{
    size_t bytes = 0;
    m_enter();
    roots_each(add, &bytes);
    m_leave(self());
    return bytes;
}

static void add_and_remove(void)
{
    static char mem[1000];
    for (size_t i = 0; i < 1000; i++)
        gort_add_roots(&mem[i], i);
    cr_expect_eq(root_bytes(), 999u * 500);
    for (size_t i = 0; i < 1000; i += 2)
        cr_expect(gort_remove_roots(&mem[i], i));
    cr_expect_not(gort_remove_roots(&mem[0], 0));
    cr_expect_not(gort_remove_roots(&mem[1], 2));
    cr_expect_eq(root_bytes(), 500u * 500);
}
Test(roots, are_what_was_added_and_not_removed)
{
    cr_expect_eq(in_gort(add_and_remove), 0);
}
