/* GODEBUG=invalidptr=0: a word that leads nowhere is accepted in a field that is called a pointer. (Otherwise
 * it is fatal: gc_bad_descriptor.c.) */
// env: GODEBUG=invalidptr=1,invalidptr=0,invalidptr=none
// expect: accepted
#include "keep.h"

typedef struct liar {
    uint64_t a;
    uint64_t not_a_pointer;
    uint64_t b;
} liar;
GORT_TYPE(liar, not_a_pointer)

static liar *volatile kept;
static void *volatile behind;

/* An address in memory that is free when the next collection is over. */
__attribute__((noinline)) static uintptr_t turned_address(void)
{
    uintptr_t a = (uintptr_t)gort_alloc(1 << 20) + (1 << 19);
    behind = gort_alloc(1 << 20);
    return TURN(a);
}

static int run(int argc, char **argv)
{
    uintptr_t turned = turned_address();
    (void)argc;
    (void)argv;
    wipe_stack();
    gort_gc();
    kept = gort_new(liar);
    kept->not_a_pointer = TURN(turned);
    gort_gc();
    printf("%s\n", kept->not_a_pointer == TURN(turned) ? "accepted" : "LOST");
    return 0;
}
GORT_MAIN(run)
