/* mem.h: memory, from the kernel's address space to one free slot of a size class.
 *
 *   arena   64 MiB of address space; any word -> span in constant time
 *   pages   runs of 8 KiB pages, cut and merged
 *   span    a run that holds objects of one size and one kind
 *   central the spans of one size class and kind that no P has in its cache
 *   cache   per P: one span of each size class and kind, and the run of free slots in use
 *
 * Knows sizes, kinds and type pointers, not what is alive. Apart from persist_* and mem_table_grow,
 * everything here is called inside the runtime (m_enter), or before there are threads.
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include "base/atomic.h"
#include "base/attr.h"
#include "base/list.h"
#include "os/os.h"

struct gort_type;
struct cache;

#define PAGE_SHIFT   13
#define PAGE_BYTES   ((size_t)1 << PAGE_SHIFT)
#define ARENA_SHIFT  26
#define ARENA_BYTES  ((size_t)1 << ARENA_SHIFT)
#define ARENA_PAGES  (ARENA_BYTES / PAGE_BYTES)
#define ADDRESS_BITS 48
#define HEAP_MAX     ((size_t)1 << ADDRESS_BITS) /* no object is larger */
#define SMALL_MAX    ((size_t)32768)             /* larger objects have a span of their own */
#define TINY_BYTES   ((size_t)16)                /* smaller pointer-free objects share blocks */
#define BITS_MAX     ((size_t)512) /* larger precise objects keep their type instead */
#define GROW_PAGES   ((size_t)512) /* the heap grows by multiples of 4 MiB */

/* What the collector may find in an object. */
enum obj_kind {
    OBJ_NOSCAN,       /* no pointers */
    OBJ_PRECISE,      /* a type says where the pointers are */
    OBJ_CONSERVATIVE, /* any aligned word may be one */
    OBJ_KINDS
};

/* ---- sizeclass.c: Go's 68 classes; class 0 stands for large objects */
enum { CLASSES = 68, CLASS_TINY = 2 };
extern const uint16_t class_bytes[CLASSES];
extern const uint8_t class_pages[CLASSES];
extern const uint16_t class_slots[CLASSES];
extern const uint8_t class_by_8[128];   /* by (bytes + 7) / 8, up to FINE_MAX bytes */
extern const uint8_t class_by_128[249]; /* by (bytes - 1024 + 127) / 128 */
#define FINE_MAX ((size_t)1016)

/* The smallest class that holds 0 < bytes <= SMALL_MAX. */
static inline unsigned class_of(size_t bytes)
{
    return bytes <= FINE_MAX ? class_by_8[(bytes + 7) >> 3] : class_by_128[(bytes - 897) >> 7];
}
/* What an allocation of `bytes` really gets: growing a slice or string fills it. */
size_t mem_round_bytes(size_t bytes);

/* ---- memstat.c: who got how much from the system (the Sys fields of MemStats) */
enum mem_sys { SYS_SPAN, SYS_CACHE, SYS_BUCKETS, SYS_GC, SYS_OTHER, SYS_COUNT };
SIGSAFE void memstat_add(enum mem_sys what, int64_t bytes);

/* Exact while no P allocates and all caches are flushed; otherwise a recent past. */
struct mem_usage {
    uint64_t sys[SYS_COUNT];                      /* bytes */
    uint64_t heap_sys, heap_inuse, heap_released; /* bytes */
    uint64_t span_inuse, cache_inuse;             /* bytes */
    uint64_t taken[CLASSES]; /* objects born, per class; [0] counts large ones */
    uint64_t large_bytes;
    uint64_t tiny; /* objects inside tiny blocks */
};
void mem_usage_read(struct mem_usage *u);
/* Bytes of address space in use for the heap: MemStats.HeapSys. */
uint64_t mem_heap_sys(void);

/* ---- persist.c: memory for the runtime's own tables; no lock, no M needed */
/* Zeroed and never given back; dies when the kernel refuses. align is a power of two <= 4096. */
void *persist_alloc(size_t bytes, size_t align);
void *persist_alloc_for(size_t bytes, size_t align, enum mem_sys what);
/* Moves a table of old_bytes to a zero-extended one of new_bytes, and frees the old one. NULL: no
 * memory, `old` is as it was (new_bytes == 0 frees). Sizes below a page cost a page. */
void *mem_table_grow(void *old, size_t old_bytes, size_t new_bytes);

/* ---- fixed.c: structs of one size, outside the heap */
struct fixed {
    struct lock lock; /* rank persist */
    /* const: */
    uint32_t bytes;
    enum mem_sys what;
    /* lock: */
    void *free;       /* given back; the first word links them */
    char *next, *end; /* the rest of the current chunk */
    /* atomic: */
    au64 inuse_bytes;
};
#define FIXED_INIT(type_bytes, sys)                                                                \
    {                                                                                              \
        .lock = LOCK_INIT(persist), .bytes = (type_bytes), .what = (sys)                           \
    }
void *fixed_take(struct fixed *f); /* zeroed */
void fixed_put(struct fixed *f, void *p);

/* ---- span.c */
enum span_state { SPAN_FREE, SPAN_IN_USE };

/* A slot is in one of three places: handed out, in the run of a cache, or free.
 *
 *   0          free_index                     nslots
 *   | handed out |  taken or free, as taken_bits |     a cached span's last run ends at free_index
 */
struct slot;
struct span {
    /* const while in use: */
    uintptr_t base;
    size_t npages;
    size_t slot_bytes;
    uint32_t nslots;
    uint32_t magic;                     /* offset * magic >> 32 is the slot */
    uint8_t class, kind;                /* kind: enum obj_kind */
    bool needzero;                      /* free slots may hold old bytes */
    union {                             /* OBJ_PRECISE only: */
        uint64_t *ptr_bits;             /* slots up to BITS_MAX: a bit for each word of the span */
        const struct gort_type **types; /* larger slots: the type of each */
        const struct gort_type *type;   /* class 0: the type of the only one */
    } u;
    /* owner (who caches it): */
    au32 free_index;
    uint64_t *taken_bits; /* NULL: no slot from free_index on is taken */
    aptr slot;            /* the cache's struct slot while cached */
    /* lock (pages while free, central otherwise): */
    struct node node;
    /* atomic: */
    au32 state; /* enum span_state */
};
/* Fills in what class and kind imply; base and npages are set. */
void span_init(struct span *s, unsigned class, enum obj_kind kind);
/* Gives back what span_init took. */
void span_fini(struct span *s);
/* The next run of free slots [*lo, *hi), zeroed, and marked as given out. False: the span is full.
 */
bool span_take_run(struct span *s, uintptr_t *lo, uintptr_t *hi);
bool span_has_free(struct span *s);
/* Is this slot an object? Those of the run a cache still holds are not. Any thread may ask. */
bool span_slot_taken(struct span *s, uint32_t slot);
void span_check(struct span *s);
extern struct fixed span_structs;

static inline uint32_t span_slot_of(const struct span *s, uintptr_t addr)
{
    return (uint32_t)((uint64_t)(addr - s->base) * s->magic >> 32);
}

/* ---- arena.c: address space, and address -> span */
/* Address space for `bytes` (a multiple of ARENA_BYTES), aligned to arenas; 0 when refused. */
uintptr_t arena_reserve(size_t bytes);
void arena_set_span(uintptr_t base, size_t npages, struct span *s);
struct span *arena_tag(uintptr_t addr); /* as set, free runs too */
/* Notes that the pages will be written to; how many of them were untouched until now. */
size_t arena_touch(uintptr_t base, size_t npages);
void arena_init(void);
/* The span in use that holds this word, taken as an address; NULL for any other word. */
struct span *arena_span(uintptr_t word);

struct object {
    uintptr_t base;
    size_t bytes; /* of the slot */
    struct span *span;
    uint32_t slot;
};
/* The object that the word points to or into, if it does. */
bool arena_find_object(uintptr_t word, struct object *o);

/* ---- pages.c: the page heap */
/* A span in use of npages, initialised, or NULL when there is no more address space. */
struct span *pages_take(size_t npages, unsigned class, enum obj_kind kind);
void pages_put(struct span *s);
void pages_usage(struct mem_usage *u);
void pages_check(void);

/* ---- central.c: spans in no cache */
void central_init(void);
/* A span with a free slot, in no list; NULL: out of memory. */
struct span *central_take(unsigned class, enum obj_kind kind);
void central_put(struct span *s);
/* Calls fn for each span of this class and kind that is in no cache; under the lock of the lists.
 */
void central_each(unsigned class, enum obj_kind kind, void (*fn)(struct span *s, void *arg),
                  void *arg);

/* ---- cache.c: per P */
/* A run of free slots of one span, consumed from `next`. Empty: both are 0 or equal. */
struct slot {
    /* owner, read by others in the order end, next: */
    au64 next, end;
    /* owner: */
    uint64_t bytes; /* of a slot */
    struct span *span;
};
struct cache {
    /* owner: */
    struct slot slot[OBJ_KINDS][CLASSES];
    uintptr_t tiny_next, tiny_end; /* the rest of the current tiny block */
    uint64_t ntiny;                /* objects in tiny blocks, since the last flush */
    uint64_t taken[CLASSES];       /* slots handed to `slot`, since the last flush */
    /* const: */
    struct cache *all_next;
};
/* A cache for a new P; the first call, before there are threads, sets up this room. */
struct cache *mem_cache_new(void);
/* Fetches a run of free slots for c->slot[kind][class]. False: out of memory. */
bool cache_refill(struct cache *c, enum obj_kind kind, unsigned class);
/* Gives all spans, and the slots not used, back, and counts what was used. For the owner of the P,
 * or with the world stopped. */
void mem_cache_flush(struct cache *c);
STW void mem_cache_flush_all(void);
/* A span for one object of more than SMALL_MAX bytes, zeroed; NULL: out of memory. */
struct span *mem_large_take(size_t bytes, enum obj_kind kind);

/* The next free slot, or NULL: cache_refill. */
static inline void *cache_pop(struct slot *s)
{
    uintptr_t p = load_rlx(&s->next);
    if (unlikely(p >= load_rlx(&s->end)))
        return NULL;
    store_rlx(&s->next, p + s->bytes);
    return (void *)p;
}

#endif
