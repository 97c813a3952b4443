/* gc.h: the collected heap, as the rest of the house sees it.
 *
 * Objects are zeroed, never move, and are found again by any pointer into them. No collection runs
 * yet: nothing is given back. The functions here are called inside the runtime and never park.
 */
#ifndef GC_GC_H
#define GC_GC_H

#include "base/attr.h"
#include "mem/mem.h"

struct gort_type;

/* ---- alloc.c: an object is born. Dies with `out of memory` when there is none. */
/* kind is OBJ_NOSCAN or OBJ_CONSERVATIVE. */
void *gc_alloc(size_t bytes, enum obj_kind kind);
/* n objects of type t in a row; gc_array_bytes was asked before. Without pointers in t: OBJ_NOSCAN.
 */
void *gc_alloc_type(const struct gort_type *t, size_t n);
/* Size of n objects of `bytes` each. False: more than the address space. */
bool gc_array_bytes(size_t bytes, size_t n, size_t *total);

/* ---- roots.c: memory that the program names as holding pointers */
/* Calls fn for each range; under the table's lock. */
void roots_each(void (*fn)(void *lo, size_t bytes, void *arg), void *arg);

#endif
