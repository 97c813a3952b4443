/* cycles.h: for the programs gc_*.c that need collections all the time: something for them to mark, and a
 * goroutine that asks for one after the other. */
#ifndef TEST_PROG_CYCLES_H
#define TEST_PROG_CYCLES_H

#include <gort.h>
#include <stdint.h>

typedef struct bead {
    struct bead *next;
    uint64_t number;
} bead;

static struct {
    bead *ballast;
    _Atomic int stop;
    _Atomic unsigned count;
    gort_waitgroup done;
} cycles;

__attribute__((noinline, unused)) static bead *beads_new(uint64_t n)
{
    bead *first = NULL;
    for (uint64_t i = n; i > 0; i--) {
        bead *l = gort_alloc(sizeof *l);
        *l = (bead){first, i};
        first = l;
    }
    return first;
}

/* Are these the n beads that beads_new made? */
__attribute__((unused)) static int beads_right(const bead *l, uint64_t n)
{
    for (uint64_t i = 1; i <= n; i++, l = l->next)
        if (l == NULL || l->number != i)
            return 0;
    return l == NULL;
}

static void cycles_run(void)
{
    while (!cycles.stop) {
        gort_gc();
        cycles.count++;
    }
    gort_waitgroup_done(&cycles.done);
}

__attribute__((unused)) static void cycles_start(uint64_t beads)
{
    cycles.ballast = beads_new(beads);
    gort_waitgroup_add(&cycles.done, 1);
    gort_go(cycles_run);
}

__attribute__((unused)) static void cycles_stop(void)
{
    cycles.stop = 1;
    gort_waitgroup_wait(&cycles.done);
}

#endif
