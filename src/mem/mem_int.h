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
#else
#define RUN_ZERO_BYTES 4096u /* a cache zeroes so much at once */
#define PERSIST_CHUNK  ((size_t)256 * 1024)
#define FIXED_CHUNK    ((size_t)16 * 1024)
#define BIN_LOOKS      16 /* runs looked at in a bin of unequal runs */
#endif

/* ---- memstat.c */
void memstat_add_class(unsigned class, uint64_t n);
void memstat_add_large(uint64_t bytes);
void memstat_add_tiny(uint64_t n);
void memstat_add_cache(uint64_t bytes);

static inline size_t round_up(size_t n, size_t unit) /* unit: a power of two */
{
    return (n + unit - 1) & ~(unit - 1);
}

#endif
