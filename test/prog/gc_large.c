/* Large objects with many pointers, held by a pointer into their middle, change while they are marked. */
// env: GODEBUG=clobberfree=1
// expect: conservative: kept
// expect: precise: kept
// expect: changed: kept
// limit: 60
#include "cycles.h"
#include <stdio.h>
#include <string.h>

enum { WORDS = 300000, STEP = 7 };
typedef bead *pointer;

static pointer *fill(pointer *a)
{
    for (uint64_t i = 0; i < WORDS; i += STEP) {
        a[i] = gort_alloc(sizeof(bead));
        a[i]->number = i;
    }
    return a + WORDS / 2; /* all there is */
}

static int is_right(pointer *middle)
{
    pointer *a = middle - WORDS / 2;
    for (uint64_t i = 0; i < WORDS; i += STEP)
        if (a[i]->number != i)
            return 0;
    return 1;
}

typedef struct piece {
    bead *p[STEP];
} piece;
GORT_TYPE(piece, p)

static pointer *volatile held[3];

__attribute__((noinline)) static void make(void)
{
    held[0] = fill(gort_alloc(WORDS * sizeof(pointer)));
    held[1] = fill((pointer *)gort_new_array(piece, WORDS / STEP + 1));
    held[2] = fill(gort_alloc(WORDS * sizeof(pointer)));
}

/* Pointers wander from one end to the other, and are nowhere else meanwhile but in a register. */
static void change(pointer *middle)
{
    pointer *a = middle - WORDS / 2;
    for (uint64_t lo = 0, hi = (WORDS - 1) / STEP * STEP; lo < hi; lo += STEP, hi -= STEP) {
        bead *l = a[lo];
        a[lo] = NULL;
        bead *h = a[hi];
        a[hi] = l;
        a[lo] = h;
    }
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    make();
    cycles_start(1000);
    for (unsigned from = cycles.count; cycles.count - from < 10;) {
        change(held[2]);
        change(held[2]);
        beads_new(1000);
    }
    cycles_stop();
    gort_gc();
    printf("conservative: %s\n", is_right(held[0]) ? "kept" : "LOST");
    printf("precise: %s\n", is_right(held[1]) ? "kept" : "LOST");
    printf("changed: %s\n", is_right(held[2]) ? "kept" : "LOST");
    return 0;
}
GORT_MAIN(run)
