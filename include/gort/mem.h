/* gort/mem.h: the collected heap.
 *
 * Everything allocated here is zeroed and never freed by hand: a collector frees what the program cannot
 * reach any more. It looks for pointers in the stacks and registers of goroutines and attached threads,
 * in their thread-locals, in the data of every loaded module, in what gort_add_roots named, and in
 * objects that it found so. A pointer anywhere into an object keeps it; on a stack or in a register,
 * also one just behind its end. It must be stored at an address that is a multiple of 8 (not in a packed
 * struct at an odd place), not in the memory of malloc, and as it is (not with bits turned round or
 * added). An object stays where it is. Three kinds differ in what the runtime looks at to find pointers to
 * other objects:
 *
 *     precise        the fields that GORT_TYPE (gort/type.h) named
 *     conservative   every aligned word
 *     noscan         nothing: do not keep the only pointer to an object there
 *
 * An object is aligned to the largest power of two, up to 128, that divides its size; above 32 KiB
 * to 8192. Allocating nothing (0 bytes) returns a valid address that all such objects share.
 *
 * Callers  of all functions: goroutines, and threads attached with gort_attach_thread.
 * Waits    only gort_read_mem_stats does; each may give way to other goroutines.
 * Fails    without memory the program ends with `fatal error: out of memory`, status 2, as in Go.
 */
#ifndef GORT_MEM_H
#define GORT_MEM_H

#include <gort/base.h>
#include <gort/type.h>

#include <stdarg.h>

GORT_BEGIN_DECLS

#define GORT_ALLOCATES_ __attribute__((malloc, returns_nonnull))

/* One zeroed object of type T: Go's new(T). Precise if a file of the program described T.
 * Returns T *. */
#define gort_new(T) ((T *)gort_alloc_one(gort_typeof(T), sizeof(T)))

/* n zeroed objects of type T in a row: Go's make([]T, n).
 * Returns T *.
 * Fails with the panic `runtime error: makeslice: len out of range` if they exceed the address
 * space. */
#define gort_new_array(T, n) ((T *)gort_alloc_array(gort_typeof(T), sizeof(T), (n)))

/* What gort_new calls: one object of `bytes` bytes, the size of `type`; conservative if that is NULL. */
GORT_API void *gort_alloc_one(const gort_type *type, size_t bytes) GORT_ALLOCATES_;

/* What gort_new_array calls: n objects of elem_bytes each, of type `type`; conservative
 * if that is NULL. */
GORT_API void *gort_alloc_array(const gort_type *type, size_t elem_bytes, size_t n) GORT_ALLOCATES_;

/* `bytes` bytes in which every aligned word may be a pointer. */
GORT_API void *gort_alloc(size_t bytes) GORT_ALLOCATES_;

/* `bytes` bytes that are never searched for pointers. */
GORT_API void *gort_alloc_noscan(size_t bytes) GORT_ALLOCATES_;

/* n objects of a described type in a row: reflect's and the compiler's newarray. `type` is not
 * NULL. Fails with the panic `runtime: allocation size out of range`. */
GORT_API void *gort_alloc_type(const gort_type *type, size_t n) GORT_ALLOCATES_;

/* A new noscan string, formatted as by printf.
 * Returns NULL, with errno set, only where vsnprintf fails. */
GORT_API char *gort_sprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
GORT_API char *gort_vsprintf(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/* A noscan copy of the string `s`. */
GORT_API char *gort_strdup(const char *s) GORT_ALLOCATES_;

/* A complete collection, begun after the call: Go's runtime.GC. On return everything that was unreachable
 * at the call is free, and what had a finalizer or a cleanup is queued for it.
 *
 * Waits    until marking and sweeping are over; the program runs meanwhile, but for two short stops.
 *          Callers at the same time share a collection.
 * Fails    never.
 * Callers  goroutines, and threads attached with gort_attach_thread.
 */
GORT_API void gort_gc(void);

/* Names [p, p + bytes) as memory that holds pointers into the heap: malloc'ed or mapped. Stacks,
 * registers, thread-local and global data need no such call. A range may be added several times. */
GORT_API void gort_add_roots(void *p, size_t bytes);

/* Takes one such range back, with the same arguments, before the memory is freed.
 * Returns false if it was not there. */
GORT_API bool gort_remove_roots(void *p, size_t bytes);

/* Go's runtime.MemStats. Sizes are in bytes, counts are of objects, times in nanoseconds. An object is
 * freed when the pages it lies on are swept, some time after the collection that found it dead; until
 * then it counts as alive. */
typedef struct {
    uint64_t alloc;       /* as heap_alloc */
    uint64_t total_alloc; /* bytes of all objects ever allocated */
    uint64_t sys;         /* the sum of the *_sys fields */
    uint64_t lookups;     /* always 0 */
    uint64_t mallocs; /* objects allocated; those smaller than 16 bytes without pointers share */
    uint64_t frees;   /* blocks: such an object counts as allocated and freed, its block once */

    uint64_t heap_alloc;    /* bytes of objects not freed */
    uint64_t heap_sys;      /* heap_idle + heap_inuse */
    uint64_t heap_idle;     /* pages without objects */
    uint64_t heap_inuse;    /* pages with objects; never less than heap_alloc */
    uint64_t heap_released; /* pages in heap_idle that cost no memory: untouched, or given back */
    uint64_t heap_objects;  /* mallocs - frees */

    uint64_t stack_inuse; /* pages between the stack pointers and tops of goroutines, about */
    uint64_t stack_sys;   /* the same: stacks are committed by touch */
    uint64_t mspan_inuse, mspan_sys;
    uint64_t mcache_inuse, mcache_sys;
    uint64_t buck_hash_sys; /* profiles */
    uint64_t gc_sys;        /* what the heap is described by */
    uint64_t other_sys;     /* all other tables of the runtime */

    uint64_t next_gc; /* the heap size that the next collection aims at; huge: none will start */
    uint64_t last_gc; /* when the last one ended, since 1970; 0: there was none */
    uint64_t pause_total_ns; /* for which the world stood still, twice in each collection */
    uint64_t pause_ns[256];  /* the same for each, a ring; the latest is at (num_gc + 255) % 256 */
    uint64_t pause_end[256]; /* a ring of times since 1970 */
    uint32_t num_gc;         /* collections that are over */
    uint32_t num_forced_gc;  /* by gort_gc */
    double gc_cpu_fraction;  /* of what GOMAXPROCS CPUs could do since the start */
    bool enable_gc;          /* always true */
    bool debug_gc;           /* always false */

    struct {
        uint32_t size;
        uint64_t mallocs, frees;
    } by_size[61]; /* by size class; objects in shared blocks are not counted, their blocks are */
} gort_mem_stats;

/* Fills in *stats: Go's runtime.ReadMemStats. Stops the world for a moment, so that the numbers
 * agree. Waits for the world to stop. */
GORT_API void gort_read_mem_stats(gort_mem_stats *stats);

GORT_END_DECLS

#endif
