/* final_support.h: making objects that nothing reaches, and waiting for what becomes of them.
 *
 * Whoever makes an object leaves copies of its address on its stack, which is looked at for as long as
 * it runs. So objects are made by goroutines that end. */
#ifndef TEST_GC_FINAL_SUPPORT_H
#define TEST_GC_FINAL_SUPPORT_H

#include "base/atomic.h"
#include "support.h"

#include <gort.h>

#include <criterion/criterion.h>

static gort_waitgroup elsewhere_done;

static void elsewhere_run(void (*fn)(void))
{
    fn();
    gort_waitgroup_done(&elsewhere_done);
}

/* Runs fn on a goroutine of its own, to its end, after which its stack is nobody's. */
static void elsewhere(void (*fn)(void))
{
    int before = gort_num_goroutine();
    gort_waitgroup_add(&elsewhere_done, 1);
    gort_go(elsewhere_run, fn);
    gort_waitgroup_wait(&elsewhere_done);
    while (gort_num_goroutine() > before)
        gort_gosched();
}

/* Sets of objects whose finalizers only say of which set they are. */
static au32 marker_set, marker_seen;
static void marker_over(void *obj)
{
    uint32_t set = *(uint32_t *)obj;
    if (set > load_seq(&marker_seen))
        store_seq(&marker_seen, set);
}
static void make_markers(void)
{
    uint32_t set = add_seq(&marker_set, 1u) + 1;
    for (int i = 0; i < 20; i++) {
        uint32_t *p = gort_alloc(64);
        *p = set;
        gort_set_finalizer(p, marker_over);
    }
}

/* Collects, and returns when what a collection queued before or now has run. The newest run first: so
 * when one marker of a set has run, older calls are in its batch at the latest, and all of that batch
 * runs before a marker of the next set does. */
static inline void collect(void)
{
    gort_gc();
    for (int i = 0; i < 2; i++) {
        elsewhere(make_markers);
        do {
            gort_gc();
            gort_sleep(1000000);
        } while (load_seq(&marker_seen) != load_seq(&marker_set));
    }
}

/* Collects once, and gives what it queued time to run. */
static inline void collect_once(void)
{
    gort_gc();
    for (int i = 0; i < 20; i++)
        gort_sleep(500000);
}

#endif
