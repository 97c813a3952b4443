/* With nothing else going on, metrics count to the last object and byte, and say what MemStats says. */
// expect: counted
// env: GOGC=off
// env: GOMAXPROCS=3
#include "metrics.h"

#include <gort/debug.h>
#include <gort/mem.h>

#define GREW(name) (metric_u(&b, name) - metric_u(&a, name))

static struct metrics a, b;
static gort_mem_stats st;

static long foreign(void *x)
{
    (void)x;
    return 0;
}

static void check_allocations(void)
{
    metrics_read_all(&a);
    for (int i = 0; i < 1000; i++)
        gort_alloc(100);
    for (int i = 0; i < 10; i++)
        gort_alloc_noscan(40000);
    metrics_read_all(&b);
    EXPECT(GREW("/gc/heap/allocs:objects") == 1010 && GREW("/gc/heap/frees:objects") == 0);
    EXPECT(GREW("/gc/heap/objects:objects") == 1010);
    EXPECT(GREW("/gc/heap/allocs:bytes") == 1000 * 112 + 10 * 40960);
    EXPECT(GREW("/memory/classes/heap/objects:bytes") == 1000 * 112 + 10 * 40960);
    const gort_metric_histogram *x = metric_h(&a, "/gc/heap/allocs-by-size:bytes"),
                                *y = metric_h(&b, "/gc/heap/allocs-by-size:bytes");
    for (size_t i = 0; i < y->n; i++) {
        uint64_t want = y->buckets[i + 1] == 113 ? 1000 : i == 67 ? 10 : 0;
        EXPECT(y->counts[i] - x->counts[i] == want);
    }
    EXPECT(GREW("/gc/heap/tiny/allocs:objects") == 0);
}

#if defined(__SANITIZE_ADDRESS__)
enum { BLOCKS_MIN = 160, BLOCKS_MAX = 160 }; /* one each: each has an end */
#else
enum { BLOCKS_MIN = 9, BLOCKS_MAX = 11 };
#endif

static void check_tiny(void)
{
    gort_gomaxprocs(1); /* each processor has a block of its own */
    metrics_read_all(&a);
    for (int i = 0; i < 160; i++)
        gort_alloc_noscan(1);
    metrics_read_all(&b);
    EXPECT(GREW("/gc/heap/tiny/allocs:objects") == 160);
    EXPECT(GREW("/gc/heap/allocs:objects") >= BLOCKS_MIN &&
           GREW("/gc/heap/allocs:objects") <= BLOCKS_MAX);
    gort_gomaxprocs(3);
}

/* Did any thread of the runtime's come, or memory go, between the two? */
static bool same_memory(void)
{
    for (size_t i = 0; i < a.n; i++)
        if (strncmp(a.s[i].name, "/memory/", 8) == 0 && a.s[i].value.u64 != b.s[i].value.u64)
            return false;
    return true;
}

static void check_mem_stats(void)
{
    do {
        metrics_read_all(&a);
        gort_read_mem_stats(&st);
        metrics_read_all(&b);
    } while (!same_memory());
    EXPECT(metric_u(&b, "/memory/classes/total:bytes") == st.sys);
    EXPECT(metric_u(&b, "/memory/classes/heap/objects:bytes") == st.heap_alloc);
    EXPECT(metric_u(&b, "/memory/classes/heap/unused:bytes") == st.heap_inuse - st.heap_alloc);
    EXPECT(metric_u(&b, "/memory/classes/heap/free:bytes") == st.heap_idle - st.heap_released);
    EXPECT(metric_u(&b, "/memory/classes/heap/released:bytes") == st.heap_released);
    EXPECT(metric_u(&b, "/memory/classes/heap/stacks:bytes") == st.stack_inuse);
    EXPECT(metric_u(&b, "/memory/classes/os-stacks:bytes") == st.stack_sys - st.stack_inuse);
    EXPECT(metric_u(&b, "/memory/classes/metadata/mspan/inuse:bytes") == st.mspan_inuse);
    EXPECT(metric_u(&b, "/memory/classes/metadata/mspan/free:bytes") ==
           st.mspan_sys - st.mspan_inuse);
    EXPECT(metric_u(&b, "/memory/classes/metadata/mcache/inuse:bytes") == st.mcache_inuse);
    EXPECT(metric_u(&b, "/memory/classes/metadata/mcache/free:bytes") ==
           st.mcache_sys - st.mcache_inuse);
    EXPECT(metric_u(&b, "/memory/classes/metadata/other:bytes") == st.gc_sys);
    EXPECT(metric_u(&b, "/memory/classes/other:bytes") == st.other_sys);
    EXPECT(metric_u(&b, "/memory/classes/profiling/buckets:bytes") == st.buck_hash_sys);
    uint64_t tiny = metric_u(&b, "/gc/heap/tiny/allocs:objects");
    EXPECT(metric_u(&b, "/gc/heap/allocs:objects") + tiny == st.mallocs);
    EXPECT(metric_u(&b, "/gc/heap/frees:objects") + tiny == st.frees);
    EXPECT(metric_u(&b, "/gc/heap/allocs:bytes") == st.total_alloc);
    EXPECT(metric_u(&b, "/gc/heap/goal:bytes") == st.next_gc);
    EXPECT(metric_u(&b, "/gc/cycles/total:gc-cycles") == st.num_gc);
    EXPECT(metric_u(&b, "/gc/cycles/forced:gc-cycles") == st.num_forced_gc);
}

static void check_rest(void)
{
    metrics_read_all(&a);
    EXPECT(metric_u(&a, "/gc/cycles/total:gc-cycles") == 0 &&
           metric_count(metric_h(&a, "/gc/pauses:seconds"), 0) == 0);
    EXPECT(metric_u(&a, "/sched/gomaxprocs:threads") == 3);
    EXPECT(metric_u(&a, "/sched/goroutines:goroutines") == 1);
    EXPECT(metric_u(&a, "/gc/limiter/last-enabled:gc-cycle") == 0);
    EXPECT(metric_u(&a, "/gc/stack/starting-size:bytes") >= 32768);
    gort_cgocall(foreign, NULL);
    gort_gc();
    metrics_read_all(&b);
    EXPECT(GREW("/cgo/go-to-c-calls:calls") == 1);
    EXPECT(GREW("/gc/cycles/total:gc-cycles") == 1 && GREW("/gc/cycles/forced:gc-cycles") == 1);
    EXPECT(metric_count(metric_h(&b, "/gc/pauses:seconds"), 0) >= 1);
    EXPECT(metric_f(&b, "/cpu/classes/gc/pause:cpu-seconds") > 0);
}

static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    metrics_read_all(&a); /* makes the histograms */
    metrics_read_all(&b);
    check_rest();
    check_allocations();
    check_tiny();
    check_mem_stats();
    if (metrics_broken == 0)
        printf("counted\n");
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
