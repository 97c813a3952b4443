/* alloc.c: an object is born.
 *
 * Owns    the way from a size and a kind, or a type, to a zeroed object; tiny objects; what the
 *         collector will know about an object's pointers; what is said when there is no memory.
 * Holds   1. an object of kind OBJ_PRECISE has its pointer bits (up to BITS_MAX bytes) or its type
 *            (above) noted before the allocation returns (docs/decisions/0005-typed-objects.md).
 *         2. a pointer-free object of less than TINY_BYTES lies in a block of TINY_BYTES that it
 *            shares, aligned as its size asks.
 * Locks   none on the fast road: the cache belongs to the P, and the caller is inside. No function
 *         here parks, so a caller may keep its M.
 * Instead of a header word before each typed object: it would break the alignment of 16 that C
 *         programs expect, and make a power of two the worst size to ask for.
 */
#include "gc/gc.h"
#include "gc/up.h"

#include <gort/mem.h>

#include "base/check.h"
#include "base/fmt.h"
#include "sched/sched.h"

#include <string.h>

static char zero_base[TINY_BYTES] ALIGNED(128); /* where all objects without bytes are */

static NORETURN COLD void out_of_memory(size_t bytes)
{
    size_t unit = GROW_PAGES * PAGE_BYTES;
    size_t ask = bytes <= HEAP_MAX ? (bytes + unit - 1) / unit * unit : bytes;
    print("runtime: out of memory: cannot allocate %u-byte block (%u in use)\n", (uint64_t)ask,
          mem_heap_sys());
    throw("out of memory");
}

/* ---- the fast road */
static NOINLINE void *alloc_slow(struct cache *c, size_t bytes, enum obj_kind kind)
{
    if (bytes == 0)
        return zero_base;
    if (bytes > SMALL_MAX) {
        struct span *s = mem_large_take(bytes, kind);
        if (s == NULL)
            out_of_memory(bytes);
        return (void *)s->base;
    }
    unsigned class = class_of(bytes);
    void *p = cache_pop(&c->slot[kind][class]);
    if (p == NULL) {
        if (!cache_refill(c, kind, class))
            out_of_memory(bytes);
        p = cache_pop(&c->slot[kind][class]);
    }
    return p;
}

static inline void *alloc(struct cache *c, size_t bytes, enum obj_kind kind)
{
    if (likely(bytes <= FINE_MAX)) {
        void *p = cache_pop(&c->slot[kind][class_by_8[(bytes + 7) >> 3]]);
        if (likely(p != NULL))
            return p;
    }
    return alloc_slow(c, bytes, kind);
}

/* ---- tiny objects */
static uintptr_t tiny_align(uintptr_t at, size_t bytes)
{
    uintptr_t low = bytes & -bytes; /* 1, 2, 4 or 8 for 0 < bytes < 16 */
    return (at + low - 1) & ~(low - 1);
}

static void *alloc_tiny(struct cache *c, size_t bytes)
{
    uintptr_t at = tiny_align(c->tiny_next, bytes);
    if (unlikely(at + bytes > c->tiny_end)) {
        uintptr_t block = (uintptr_t)alloc(c, TINY_BYTES, OBJ_NOSCAN);
        uintptr_t left_old = c->tiny_end - c->tiny_next, left_new = TINY_BYTES - bytes;
        c->ntiny++;
        if (left_new > left_old) { /* keep the emptier block */
            c->tiny_next = block + bytes;
            c->tiny_end = block + TINY_BYTES;
        }
        return (void *)block;
    }
    c->tiny_next = at + bytes;
    c->ntiny++;
    return (void *)at;
}

static inline void *alloc_noscan(struct cache *c, size_t bytes)
{
    return bytes - 1 < TINY_BYTES - 1 ? alloc_tiny(c, bytes) : alloc(c, bytes, OBJ_NOSCAN);
}

/* ---- typed objects */
/* The pointer mask of a type of at most 64 words. */
static inline uint64_t type_mask(const struct gort_type *t)
{
    uint64_t mask = t->gcdata[0];
    for (size_t i = 1; i < (t->ptrdata + 63) / 64; i++)
        mask |= (uint64_t)t->gcdata[i] << 8 * i;
    return mask;
}

/* Sets the bits of `mask` for the words from p on; they are clear before. */
static inline void note_pointers(struct span *s, uintptr_t p, uint64_t mask)
{
    size_t word = (p - s->base) / 8, shift = word % 64;
    uint64_t *bits = &s->u.ptr_bits[word / 64];
    bits[0] |= mask << shift;
    if (shift != 0 && mask >> (64 - shift) != 0)
        bits[1] |= mask >> (64 - shift);
}

static void *alloc_with_bits(struct cache *c, const struct gort_type *t, size_t n)
{
    size_t bytes = t->size * n;
    uintptr_t p = (uintptr_t)alloc(c, bytes, OBJ_PRECISE);
    struct span *s = c->slot[OBJ_PRECISE][class_by_8[(bytes + 7) >> 3]].span;
    uint64_t mask = type_mask(t);
    for (size_t i = 0; i < n; i++)
        note_pointers(s, p + i * t->size, mask);
    return (void *)p;
}

static void *alloc_with_type(struct cache *c, const struct gort_type *t, size_t bytes)
{
    if (bytes > SMALL_MAX) {
        struct span *s = mem_large_take(bytes, OBJ_PRECISE);
        if (s == NULL)
            out_of_memory(bytes);
        s->u.type = t;
        return (void *)s->base;
    }
    uintptr_t p = (uintptr_t)alloc(c, bytes, OBJ_PRECISE);
    struct span *s = c->slot[OBJ_PRECISE][class_of(bytes)].span;
    s->u.types[span_slot_of(s, p)] = t;
    return (void *)p;
}

static inline void *alloc_typed(struct cache *c, const struct gort_type *t, size_t n)
{
    size_t bytes = t->size * n;
    if (t->ptrdata == 0 || bytes == 0)
        return alloc_noscan(c, bytes);
    if (t->gcdata == NULL || t->size % 8 != 0)
        return alloc(c, bytes, OBJ_CONSERVATIVE);
    return bytes <= BITS_MAX ? alloc_with_bits(c, t, n) : alloc_with_type(c, t, bytes);
}

/* ---- for the other rooms */
static inline struct cache *cache_of(struct m *m)
{
    return m_p(m)->cache;
}

void *gc_alloc(size_t bytes, enum obj_kind kind)
{
    struct cache *c = cache_of(self());
    DCHECK(kind != OBJ_PRECISE);
    return kind == OBJ_NOSCAN ? alloc_noscan(c, bytes) : alloc(c, bytes, kind);
}

void *gc_alloc_type(const struct gort_type *t, size_t n)
{
    return alloc_typed(cache_of(self()), t, n);
}

bool gc_array_bytes(size_t bytes, size_t n, size_t *total)
{
    return !__builtin_mul_overflow(bytes, n, total) && *total <= HEAP_MAX;
}

/* ---- for the program */
void *gort_alloc(size_t bytes)
{
    struct m *m = m_enter();
    void *p = alloc(cache_of(m), bytes, OBJ_CONSERVATIVE);
    m_leave(m);
    return p;
}

void *gort_alloc_noscan(size_t bytes)
{
    struct m *m = m_enter();
    void *p = alloc_noscan(cache_of(m), bytes);
    m_leave(m);
    return p;
}

void *gort_alloc_type(const gort_type *type, size_t n)
{
    size_t bytes;
    if (unlikely(!gc_array_bytes(type->size, n, &bytes)))
        panic_plain("runtime: allocation size out of range");
    struct m *m = m_enter();
    void *p = alloc_typed(cache_of(m), type, n);
    m_leave(m);
    return p;
}

void *gort_alloc_array(const gort_type *type, size_t elem_bytes, size_t n)
{
    size_t bytes;
    if (unlikely(!gc_array_bytes(elem_bytes, n, &bytes)))
        panic_runtime("makeslice: len out of range");
    struct m *m = m_enter();
    void *p = type != NULL ? alloc_typed(cache_of(m), type, n)
                           : alloc(cache_of(m), bytes, OBJ_CONSERVATIVE);
    m_leave(m);
    return p;
}
