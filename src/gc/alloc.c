/* alloc.c: an object is born.
 *
 * Owns    the way from a size and a kind, or a type, to a zeroed object; tiny objects; what the
 *         collector will know about an object's pointers; what is said when there is no memory.
 * Holds   1. an object of kind OBJ_PRECISE has its pointer bits (up to BITS_MAX bytes) or its type
 *            (above) noted before the allocation returns (docs/decisions/0005-typed-objects.md).
 *         2. objects of one word are OBJ_CONSERVATIVE: looking at them costs no more than at a bit.
 *         3. a pointer-free object of less than TINY_BYTES lies in a block of TINY_BYTES that it
 *            shares, aligned as its size asks.
 *         4. with GODEBUG=sbrk, efence or allocfreetrace, and in a program with a sanitizer, the caches stay empty: every allocation
 *            takes the slow road, and the fast one knows nothing of it.
 * Locks   none on the fast road: the cache belongs to the P, and the caller is inside. No function
 *         here parks, so a caller may keep its M.
 * Instead of a header word before each typed object: it would break the alignment of 16 that C
 *         programs expect, and make a power of two the worst size to ask for.
 */
#include "gc/gc.h"
#include "gc/gc_int.h"
#include "gc/up.h"

#include <gort/mem.h>

#include "base/check.h"
#include "base/fmt.h"
#include "base/track.h"
#include "conf/conf.h"
#include "sched/sched.h"

#include <string.h>

#ifdef GORT_HOSTILE
#define ZERO_INSIDE_BYTES SMALL_MAX
#else
#define ZERO_INSIDE_BYTES ((size_t)256 * 1024) /* the world may have to wait for so much zeroing */
#endif

static char zero_base[TINY_BYTES] ALIGNED(128); /* where all objects without bytes are */

static NORETURN COLD void out_of_memory(size_t bytes)
{
    size_t unit = GROW_PAGES * PAGE_BYTES;
    size_t ask = bytes <= HEAP_MAX ? (bytes + unit - 1) / unit * unit : bytes;
    print("runtime: out of memory: cannot allocate %u-byte block (%u in use)\n", (uint64_t)ask,
          mem_heap_sys());
    throw("out of memory");
}

/* ---- what is known of pointers */
/* The pointer mask of a type of at most 64 words. */
static inline uint64_t type_mask(const struct gort_type *t)
{
    uint64_t mask = t->gcdata[0];
    for (size_t i = 1; i < (t->ptrdata + 63) / 64; i++)
        mask |= (uint64_t)t->gcdata[i] << 8 * i;
    return mask;
}

static inline void or_bits(au64 *word, uint64_t bits)
{
    store_rlx(word, load_rlx(word) | bits); /* the owner of the span is the only writer */
}

/* Sets the bits of `mask` for the words from p on; they are clear before. */
static inline void note_pointers(struct span *s, uintptr_t p, uint64_t mask)
{
    size_t word = (p - s->base) / 8, shift = word % 64;
    au64 *bits = &s->meta->ptr[word / 64];
    or_bits(&bits[0], mask << shift);
    if (shift != 0 && mask >> (64 - shift) != 0)
        or_bits(&bits[1], mask >> (64 - shift));
}

static inline void note_bits(struct span *s, uintptr_t p, const struct gort_type *t, size_t bytes)
{
    uint64_t mask = type_mask(t);
    for (size_t at = 0; at < bytes; at += t->size)
        note_pointers(s, p + at, mask);
}

/* A marker that sees a type sees what it says: pairs with its load_acq. */
static inline void note_type(aptr *where, const struct gort_type *t)
{
    store_rel(where, (void *)(uintptr_t)t);
}

static void note(struct span *s, uintptr_t p, const struct gort_type *t, size_t bytes)
{
    if (s->kind != OBJ_PRECISE)
        return;
    if (s->class == 0)
        note_type(&s->u.type, t);
    else if (s->slot_bytes > BITS_MAX)
        note_type(&s->u.types[span_slot_of(s, p)], t);
    else
        note_bits(s, p, t, bytes);
}

/* ---- the slow road */
static void *alloc_large(struct cache *c, size_t bytes, enum obj_kind kind,
                         const struct gort_type *t)
{
    struct span *s = mem_large_take(bytes, kind);
    if (s == NULL)
        out_of_memory(bytes);
    note(s, s->base, t, bytes);
    if (gc_sample_large(c, s->slot_bytes))
        gc_sampled((void *)s->base);
    return (void *)s->base;
}

static void *alloc_small(struct cache *c, unsigned class, enum obj_kind kind)
{
    void *p = cache_pop(&c->slot[kind][class]);
    if (p == NULL) {
        if (!cache_refill(c, kind, class))
            out_of_memory(class_bytes[class]);
        p = cache_pop(&c->slot[kind][class]);
        if (gc_sample_is_now(c, kind, class))
            gc_sampled(p);
    }
    return p;
}

/* Do all allocations take the slow road (4)? */
static bool is_watched(void)
{
    return knobs.sbrk != 0 || knobs.efence > 0 || load_rlx(&gc_watch_allocs) != 0 ||
           track_is(TRACK_MEMORY);
}

/* GODEBUG=sbrk: memory that nobody collects. */
static void *alloc_for_good(size_t bytes, const struct gort_type *t)
{
    size_t low = bytes & -bytes;
    if (bytes > HEAP_MAX)
        out_of_memory(bytes);
    return persist_alloc(bytes, t == NULL || low > 16 ? 16 : low);
}

/* One slot; the rest of the run goes back. */
static void *alloc_alone(struct cache *c, size_t bytes, enum obj_kind kind,
                         const struct gort_type *t)
{
    if (bytes > SMALL_MAX || knobs.efence > 0)
        return alloc_large(c, bytes, kind, t);
    unsigned class = class_of(bytes);
    void *p = alloc_small(c, class, kind);
    note(c->slot[kind][class].span, (uintptr_t)p, t, bytes);
    mem_cache_flush_slot(c, kind, class);
    return p;
}

static COLD void *alloc_watched(struct cache *c, size_t bytes, enum obj_kind kind,
                                const struct gort_type *t)
{
    if (knobs.sbrk != 0)
        return alloc_for_good(bytes, t);
    void *p = alloc_alone(c, bytes, kind, t);
    if (load_rlx(&gc_watch_allocs) != 0)
        gc_watch_alloc((uintptr_t)p, mem_round_bytes(bytes), t);
    if (track_is(TRACK_MEMORY))
        track_born_it(p, bytes, mem_round_bytes(bytes));
    return p;
}

static NOINLINE void *alloc_slow(struct cache *c, size_t bytes, enum obj_kind kind,
                                 const struct gort_type *t)
{
    if (bytes == 0)
        return zero_base;
    if (unlikely(is_watched()))
        return alloc_watched(c, bytes, kind, t);
    if (bytes > SMALL_MAX)
        return alloc_large(c, bytes, kind, t);
    return alloc_small(c, class_of(bytes), kind);
}

/* ---- the fast road */
/* t is only shown to who watches. */
static inline void *alloc(struct cache *c, size_t bytes, enum obj_kind kind,
                          const struct gort_type *t)
{
    if (likely(bytes <= FINE_MAX)) {
        void *p = cache_pop(&c->slot[kind][class_by_8[(bytes + 7) >> 3]]);
        if (likely(p != NULL))
            return p;
    }
    return alloc_slow(c, bytes, kind, t);
}

/* ---- tiny objects */
static uintptr_t tiny_align(uintptr_t at, size_t bytes)
{
    uintptr_t low = bytes & -bytes; /* 1, 2, 4 or 8 for 0 < bytes < 16 */
    return (at + low - 1) & ~(low - 1);
}

/* Without a span in the cache the block is for this object alone (4). */
static inline bool tiny_shared(const struct cache *c)
{
    return c->slot[OBJ_NOSCAN][CLASS_TINY].span != NULL;
}

static void *alloc_tiny(struct cache *c, size_t bytes, const struct gort_type *t)
{
    uintptr_t at = tiny_align(c->tiny_next, bytes);
    if (unlikely(at + bytes > c->tiny_end)) {
        uintptr_t block = (uintptr_t)alloc(c, TINY_BYTES, OBJ_NOSCAN, t);
        uintptr_t left_old = c->tiny_end - c->tiny_next, left_new = TINY_BYTES - bytes;
        store_rlx(&c->ntiny, load_rlx(&c->ntiny) + 1);
        if (track_is(TRACK_MEMORY))
            track_born_it((void *)block, bytes, TINY_BYTES);
        if (left_new > left_old && tiny_shared(c)) { /* keep the emptier block */
            c->tiny_next = block + bytes;
            c->tiny_end = block + TINY_BYTES;
        }
        return (void *)block;
    }
    c->tiny_next = at + bytes;
    store_rlx(&c->ntiny, load_rlx(&c->ntiny) + 1);
    return (void *)at;
}

static inline void *alloc_noscan(struct cache *c, size_t bytes, const struct gort_type *t)
{
    return bytes - 1 < TINY_BYTES - 1 ? alloc_tiny(c, bytes, t) : alloc(c, bytes, OBJ_NOSCAN, t);
}

/* ---- typed objects */
/* A slot of a span in the cache. NULL: *done is the object, and what is known of it is noted. */
static inline struct span *alloc_precise(struct cache *c, struct slot *s, size_t bytes,
                                         const struct gort_type *t, void **done)
{
    *done = cache_pop(s);
    if (likely(*done != NULL))
        return s->span;
    *done = alloc_slow(c, bytes, OBJ_PRECISE, t);
    return s->span; /* NULL: by alloc_watched */
}

/* The rest of the run gets the bits of `t` at once. */
static void run_type(struct slot *slot, const struct gort_type *t)
{
    const struct span *s = slot->span;
    uint32_t lo = span_slot_of(s, load_rlx(&slot->next)), hi = load_rlx(&slot->span->free_index);
    if (lo < hi)
        span_set_pointers(slot->span, lo, hi, type_mask(t));
    slot->type = t;
}

static void run_untype(struct slot *slot)
{
    uintptr_t next = load_rlx(&slot->next);
    if (next < load_rlx(&slot->end))
        span_clear_pointers(slot->span, span_slot_of(slot->span, next),
                            load_rlx(&slot->span->free_index));
    slot->type = slot;
}

/* Another type than the last, or a new run. Most runs have objects of one type only, so the first one's
 * is noted for all; in a run where that was wrong each notes its own. */
static NOINLINE void *alloc_with_other_bits(struct cache *c, struct slot *slot,
                                            const struct gort_type *t, size_t bytes)
{
    void *p;
    if (slot->type != slot)
        run_untype(slot);
    bool fresh = load_rlx(&slot->next) >= load_rlx(&slot->end);
    struct span *s = alloc_precise(c, slot, bytes, t, &p);
    if (unlikely(s == NULL))
        return p;
    note_bits(s, (uintptr_t)p, t, bytes);
    if (fresh && bytes == t->size)
        run_type(slot, t);
    return p;
}

static inline void *alloc_with_bits(struct cache *c, const struct gort_type *t, size_t bytes)
{
    struct slot *slot = &c->slot[OBJ_PRECISE][class_by_8[(bytes + 7) >> 3]];
    if (likely(slot->type == t && bytes == t->size)) {
        void *p = cache_pop(slot);
        if (likely(p != NULL))
            return p;
    }
    return alloc_with_other_bits(c, slot, t, bytes);
}

static void *alloc_with_type(struct cache *c, const struct gort_type *t, size_t bytes)
{
    void *p;
    if (bytes > SMALL_MAX)
        return alloc_slow(c, bytes, OBJ_PRECISE, t);
    struct slot *slot = &c->slot[OBJ_PRECISE][class_of(bytes)];
    struct span *s = alloc_precise(c, slot, bytes, t, &p);
    if (likely(s != NULL))
        note_type(&s->u.types[span_slot_of(s, (uintptr_t)p)], t);
    return p;
}

static inline enum obj_kind kind_of(const struct gort_type *t, size_t bytes)
{
    if (t->ptrdata == 0 || bytes == 0)
        return OBJ_NOSCAN;
    return t->gcdata == NULL || t->size % 8 != 0 || bytes == 8 ? OBJ_CONSERVATIVE : OBJ_PRECISE;
}

static inline void *alloc_typed(struct cache *c, const struct gort_type *t, size_t bytes)
{
    switch (kind_of(t, bytes)) {
    case OBJ_NOSCAN:
        return alloc_noscan(c, bytes, t);
    case OBJ_CONSERVATIVE:
        return alloc(c, bytes, OBJ_CONSERVATIVE, t);
    default:
        return bytes <= BITS_MAX ? alloc_with_bits(c, t, bytes) : alloc_with_type(c, t, bytes);
    }
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
    return kind == OBJ_NOSCAN ? alloc_noscan(c, bytes, NULL) : alloc(c, bytes, kind, NULL);
}

void *gc_alloc_type(const struct gort_type *t, size_t n)
{
    return alloc_typed(cache_of(self()), t, t->size * n);
}

bool gc_array_bytes(size_t bytes, size_t n, size_t *total)
{
    return !__builtin_mul_overflow(bytes, n, total) && *total <= HEAP_MAX;
}

/* ---- for the program */
/* Old bytes of a large object are zeroed outside the runtime, where the goroutine may be stopped and
 * pre-empted. Until then marking sees what lay there, as if the object held it; without a type, of a
 * precise one nothing. (The second marking of gccheckmark would take that for objects missed.) */
static COLD void *alloc_huge(struct m *m, size_t bytes, enum obj_kind kind,
                             const struct gort_type *t)
{
    struct span *s = mem_large_take_dirty(bytes, kind);
    if (s == NULL)
        out_of_memory(bytes);
    void *p = (void *)s->base;
    if (gc_sample_large(cache_of(m), s->slot_bytes))
        gc_sampled(p);
    m_leave(m);
    if (s->needzero)
        memset(p, 0, s->slot_bytes);
    note(s, (uintptr_t)p, t, bytes);
    __asm__ volatile("" ::"r"(p)); /* it is alive, and so is its span */
    return p;
}

static NOINLINE void *slow_and_leave(struct m *m, size_t bytes, enum obj_kind kind,
                                     const struct gort_type *t)
{
    if (bytes > ZERO_INSIDE_BYTES && !is_watched() && knobs.gccheckmark == 0)
        return alloc_huge(m, bytes, kind, t);
    void *p = alloc_slow(cache_of(m), bytes, kind, t);
    m_leave(m);
    return p;
}

static inline void *alloc_and_leave(struct m *m, size_t bytes, enum obj_kind kind)
{
    if (likely(bytes <= FINE_MAX)) {
        void *p = cache_pop(&cache_of(m)->slot[kind][class_by_8[(bytes + 7) >> 3]]);
        if (likely(p != NULL)) {
            m_leave(m);
            return p;
        }
    }
    return slow_and_leave(m, bytes, kind, NULL);
}

static inline void *typed_and_leave(struct m *m, const struct gort_type *t, size_t bytes)
{
    if (unlikely(bytes > ZERO_INSIDE_BYTES))
        return slow_and_leave(m, bytes, kind_of(t, bytes), t);
    void *p = alloc_typed(cache_of(m), t, bytes);
    m_leave(m);
    return p;
}

void *gort_alloc(size_t bytes)
{
    return alloc_and_leave(m_enter(), bytes, OBJ_CONSERVATIVE);
}

void *gort_alloc_noscan(size_t bytes)
{
    struct m *m = m_enter();
    if (bytes - 1 >= TINY_BYTES - 1)
        return alloc_and_leave(m, bytes, OBJ_NOSCAN);
    void *p = alloc_tiny(cache_of(m), bytes, NULL);
    m_leave(m);
    return p;
}

void *gort_alloc_type(const gort_type *type, size_t n)
{
    size_t bytes;
    if (unlikely(!gc_array_bytes(type->size, n, &bytes)))
        panic_plain("runtime: allocation size out of range");
    return typed_and_leave(m_enter(), type, bytes);
}

/* Two files may each have a type of this name, and the linker kept one description: an object of another
 * size is not what it describes. */
static inline bool is_of(const struct gort_type *t, size_t bytes)
{
    return t != NULL && likely(t->size == bytes);
}

/* Of most runs the type is known, and then so is all the rest. */
void *gort_alloc_one(const gort_type *type, size_t bytes)
{
    struct m *m = m_enter();
    if (likely(bytes - 1 < BITS_MAX)) {
        struct slot *slot = &cache_of(m)->slot[OBJ_PRECISE][class_by_8[(bytes + 7) >> 3]];
        if (likely(slot->type == type)) {
            void *p = cache_pop(slot);
            if (likely(p != NULL)) {
                m_leave(m);
                return p;
            }
        }
    }
    return is_of(type, bytes) ? typed_and_leave(m, type, bytes)
                              : alloc_and_leave(m, bytes, OBJ_CONSERVATIVE);
}

void *gort_alloc_array(const gort_type *type, size_t elem_bytes, size_t n)
{
    size_t bytes;
    if (unlikely(!gc_array_bytes(elem_bytes, n, &bytes)))
        panic_runtime("makeslice: len out of range");
    struct m *m = m_enter();
    return is_of(type, elem_bytes) ? typed_and_leave(m, type, bytes)
                                   : alloc_and_leave(m, bytes, OBJ_CONSERVATIVE);
}
