/* All who stop the world at once: statistics, tracebacks, GOMAXPROCS, collections, settings. */
// expect: numbers agree
// expect: kept
// limit: 60
#include "cycles.h"
#include <stdio.h>
#include <stdlib.h>

enum { BEADS = 5000, EACH = 3, ROUNDS = 30 };
static int wrong;

static void read_stats(gort_waitgroup *done)
{
    gort_mem_stats *s = gort_alloc_noscan(sizeof *s);
    for (int i = 0; i < ROUNDS; i++) {
        gort_read_mem_stats(s);
        uint64_t sum = s->heap_sys + s->stack_sys + s->mspan_sys + s->mcache_sys +
                       s->buck_hash_sys + s->gc_sys + s->other_sys;
        if (s->heap_objects != s->mallocs - s->frees || s->heap_alloc != s->alloc ||
            s->heap_sys != s->heap_idle + s->heap_inuse || s->heap_alloc > s->heap_inuse ||
            s->heap_released > s->heap_idle || s->sys != sum) {
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
            printf("alloc %lu inuse %lu idle %lu released %lu sys %lu heap_sys %lu objects %lu sum "
                   "%lu\n",
                   (unsigned long)s->heap_alloc, (unsigned long)s->heap_inuse,
                   (unsigned long)s->heap_idle, (unsigned long)s->heap_released,
                   (unsigned long)s->sys, (unsigned long)s->heap_sys,
                   (unsigned long)s->heap_objects, (unsigned long)sum);
        }
    }
    gort_waitgroup_done(done);
}

static void read_stacks(gort_waitgroup *done)
{
    char *buf = gort_alloc_noscan(65536);
    for (int i = 0; i < ROUNDS; i++)
        if (gort_stack(buf, 65536, i % 2) == 0)
            __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    gort_waitgroup_done(done);
}

static void change_procs(gort_waitgroup *done)
{
    for (int i = 0; i < ROUNDS; i++)
        gort_gomaxprocs(1 + i % 5);
    gort_waitgroup_done(done);
}

static void collect_all(gort_waitgroup *done)
{
    for (int i = 0; i < ROUNDS; i++)
        gort_gc();
    gort_waitgroup_done(done);
}

static void change_settings(gort_waitgroup *done)
{
    for (int i = 0; i < ROUNDS; i++) {
        gort_debug_set_gc_percent(i % 3 == 0 ? -1 : 50 * (i % 4));
        gort_debug_set_memory_limit(i % 5 == 0 ? INT64_MAX : (int64_t)64 << 20);
        beads_new(1000);
        if (i % 10 == 0)
            gort_debug_free_os_memory();
    }
    gort_debug_set_gc_percent(100);
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    void (*const all[])(gort_waitgroup *) = {read_stats, read_stacks, change_procs, collect_all,
                                             change_settings};
    enum { KINDS = sizeof all / sizeof all[0] };
    bead *l = beads_new(BEADS);
    gort_waitgroup done = {0};
    (void)argc;
    (void)argv;
    gort_waitgroup_add(&done, KINDS * EACH);
    for (int i = 0; i < KINDS * EACH; i++)
        gort_go(all[i % KINDS], &done);
    gort_waitgroup_wait(&done);
    printf("%s\n", wrong ? "numbers DISAGREE" : "numbers agree");
    printf("%s\n", beads_right(l, BEADS) ? "kept" : "LOST");
    return 0;
}
GORT_MAIN(run)
