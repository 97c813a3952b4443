/* A descriptor that lies: the field that it calls a pointer holds the address of
 * what is free by now. */
// exit: 2
// expect-re: ^runtime: pointer 0x[0-9a-f]+ to unallocated span span.base\(\)=0x[0-9a-f]+ span.limit=0x[0-9a-f]+ span.state=0$
// expect-re: ^runtime: found in object at \*\(0x[0-9a-f]+\+0x[0-9a-f]+\)$
// expect-re: ^object=0x[0-9a-f]+ s.base\(\)=0x[0-9a-f]+ s.limit=0x[0-9a-f]+ s.spanclass=[0-9]+ s.elemsize=192 s.state=mSpanInUse$
// expect-re: ^ \*\(object\+[0-9]+\) = 0x[0-9a-f]+ <==$
// expect-re: ^fatal error: found bad pointer in Go heap \(incorrect use of unsafe or cgo\?\)$
#include "keep.h"

typedef struct liar {
    uint64_t a;
    uint64_t not_a_pointer;
    uint64_t b;
} liar;
GORT_TYPE(liar, not_a_pointer)

enum { OBJECTS = 8 };
static liar *volatile kept;
static void *volatile behind;

/* Addresses in memory that is free when the next collection is over; all but one, perhaps, that a stale word
 * keeps. */
__attribute__((noinline)) static uintptr_t *turned_addresses(void)
{
    uintptr_t *a = gort_alloc_noscan(OBJECTS * sizeof *a);
    for (int i = 0; i < OBJECTS; i++)
        a[i] = TURN((char *)gort_alloc(1 << 20) + (1 << 19));
    behind = gort_alloc(1 << 20);
    return a;
}

static int run(int argc, char **argv)
{
    uintptr_t *turned = turned_addresses();
    (void)argc;
    (void)argv;
    wipe_stack();
    gort_gc();
    kept = gort_new_array(liar, OBJECTS);
    for (int i = 0; i < OBJECTS; i++)
        kept[i].not_a_pointer = TURN(turned[i]);
    gort_gc();
    return 0;
}
GORT_MAIN(run)
