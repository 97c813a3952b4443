/* mem_int.h: between the files of this room. */
#ifndef MEM_MEM_INT_H
#define MEM_MEM_INT_H

#include "mem/mem.h"

/* Limits that a hostile build makes tiny. */
#ifdef GORT_HOSTILE
#define RUN_ZERO_BYTES 64u
#define PERSIST_CHUNK  ((size_t)8 * 1024)
#define FIXED_CHUNK    ((size_t)512)
#define BIN_LOOKS      1
#define SWEEP_BATCH    1u
#define SWEEP_LOOKS    2u
#define TELL_BYTES     1u
#else
#define RUN_ZERO_BYTES 4096u /* a cache zeroes so much at once */
#define PERSIST_CHUNK  ((size_t)256 * 1024)
#define FIXED_CHUNK    ((size_t)16 * 1024)
#define BIN_LOOKS      16    /* runs looked at in a bin of unequal runs */
#define SWEEP_BATCH    16u   /* spans swept between two looks at a list */
#define SWEEP_LOOKS    100u  /* unswept spans that an allocation looks at for a free slot */
#define TELL_BYTES     4096u /* allocated by one P before the collector is told */
#endif

/* ---- memstat.c */
void memstat_add_class(unsigned class, uint64_t n);
void memstat_add_large(uint64_t bytes);
void memstat_add_tiny(uint64_t n);
void memstat_add_cache(uint64_t bytes);

/* ---- cache.c */
/* Marks what caches still hold, and begins no tiny object in a block from before. */
STW void cache_mark_all(void);
/* Adds what caches have handed out since their last flush to `taken` and `tiny`. */
void mem_cache_count_all(struct mem_usage *u);

/* ---- pages.c, for scavenge.c */
enum { PAGE_HEAPS = 2 };
enum released { RELEASED_NOT, RELEASED_ZEROED, RELEASED_LAZILY /* may read as before */ };
/* A piece, of about `bytes`, of a free run with pages that cost memory; NULL if there is none. Until
 * it is put back nobody else has it. */
struct span *pages_take_dirty(unsigned heap, size_t bytes);
bool pages_any_dirty(void); /* or the last one is just being taken */
/* Puts it back; the bytes that cost no memory any more. */
size_t pages_put_dirty(unsigned heap, struct span *s, enum released how);

/* ---- scavenge.c, for pages.c */
/* An allocation made pages cost memory, and the heap grew by so many bytes for it: gives back as many
 * if that is over a goal. Wakes the background scavenger. */
void scavenge_assist(size_t grown);

/* ---- pagetrace.c */
enum pagetrace_event { PAGETRACE_ALLOC = 1, PAGETRACE_FREE = 2, PAGETRACE_SCAVENGE = 3 };
extern au32 pagetrace_on;
void pagetrace_write(enum pagetrace_event event, uintptr_t base, size_t npages);
/* Under the lock of the heap, so that times tell the order. */
static inline void pagetrace_note(enum pagetrace_event event, uintptr_t base, size_t npages)
{
    if (unlikely(load_rlx(&pagetrace_on) != 0))
        pagetrace_write(event, base, npages);
}

static inline size_t round_up(size_t n, size_t unit) /* unit: a power of two */
{
    return (n + unit - 1) & ~(unit - 1);
}

#endif
