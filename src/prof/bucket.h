/* bucket.h: what is remembered of one stack. */
#ifndef PROF_BUCKET_H
#define PROF_BUCKET_H

#include "base/atomic.h"
#include "base/attr.h"

enum bucket_kind { BUCKET_HEAP, BUCKET_BLOCK, BUCKET_MUTEX, BUCKET_KINDS };
enum { BUCKET_FRAMES = 32, HEAP_CYCLES = 3 };

struct heap_counts {
    uint64_t allocs, frees; /* objects */
};

struct bucket {
    /* const: */
    struct bucket *same_slot, *older;
    enum bucket_kind kind;
    uint32_t n;
    size_t bytes; /* BUCKET_HEAP: of each object; else 0 */
    /* lock: heap.c's or block.c's of this kind */
    union {
        struct {
            struct heap_counts active, future[HEAP_CYCLES];
        } heap;
        struct {
            double
                count; /* of events; an event counts as several when the others were not sampled */
            int64_t cycles;
        } block;
    } u;
    /* const: */
    uintptr_t pcs[];
};

/* The bucket of this stack, of which at most BUCKET_FRAMES are looked at; made if there is none. Inside the
 * runtime. */
struct bucket *bucket_of(enum bucket_kind kind, size_t bytes, const uintptr_t *pcs, size_t n);
/* The newest of this kind; the others are found through `older`. */
struct bucket *bucket_newest(enum bucket_kind kind);

#endif
