/* mem.h: memory, from the kernel's address space to one free slot of a size class.
 *
 *   arena   64 MiB of address space; any word -> span in constant time
 *   pages   runs of 8 KiB pages, cut and merged
 *   span    a run that holds objects of one size and one kind
 *   central the spans of one size class and kind that no P has in its cache
 *   cache   per P: one span of each size class and kind, and the run of free slots in use
 *
 * Knows sizes, kinds, type pointers and which slots are taken and marked, not what marks them. Apart
 * from persist_* and mem_table_grow, everything here is called inside the runtime (m_enter), by the
 * runtime's own threads, or before there are threads.
 */
#ifndef MEM_MEM_H
#define MEM_MEM_H

#include "base/atomic.h"
#include "base/attr.h"
#include "base/list.h"
#include "os/os.h"

struct gort_type;
struct cache;
struct special;

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
/* The same without stopping anything: what was born is counted to the last object. For the owner of a P: as
 * long as he is inside, nobody flushes. */
void mem_usage_now(struct mem_usage *u);
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

/* ---- what is known of each page, found from its address alone (arena.c)
 *
 * The marker looks at nothing else of a span: the entry says what lies on the page, the marks of the
 * span lie beside its first page. There are two halves of marks: one is being set, the other says
 * which slots the last sweep found alive (taken_bits). They change roles at the start of a cycle. */
enum {
    PE_CLASS_SHIFT = 48, /* 7 bits */
    PE_KIND_SHIFT = 55,  /* 2 bits: enum obj_kind */
    PE_IN_USE_SHIFT = 57,
    PE_PAGE_SHIFT = 58, /* 6 bits: which page of its span this is; of a large span, 0 or 1 */
};
#define PE_SPAN_MASK (((uint64_t)1 << PE_CLASS_SHIFT) - 1)
enum { MARK_WORDS = 8, PTR_WORDS = 16 };
struct page_meta {            /* of the first page of a span; five cache lines */
    au64 mark[2][MARK_WORDS]; /* a bit for each slot, by half */
    au64 scan[MARK_WORDS];    /* marked slots whose contents were looked at in this cycle */
    au64 ptr[PTR_WORDS];      /* precise spans of slots up to BITS_MAX: a bit for each word */
};
/* Of each page; bits of enum page_state. */
enum page_state {
    PAGE_QUEUED = 1,   /* first page of a span that waits to be scanned */
    PAGE_SPECIALS = 2, /* first page of a span with finalizers or the like */
};
struct arena {
    /* lock+atomic (pages): */
    au64
        page[ARENA_PAGES]; /* entries; 0: nothing in use here. A free run's first and last page have
                               its span, without PE_IN_USE */
    au64 used_end;         /* the heap uses [base, used_end): arena_use */
    /* atomic: */
    au32 state[ARENA_PAGES]; /* enum page_state */
    /* lock (pages): */
    uint64_t dirty[ARENA_PAGES / 64];
    /* const: */
    struct arena *next; /* older */
    uintptr_t base;
    bool noscan; /* all its spans are OBJ_NOSCAN; else none is */
    /* owner, by convention of each field: */
    struct page_meta *meta; /* ARENA_PAGES of them; shared with a snapshot's child if
                                 mem_share_marks was called */
};
extern aptr *arena_map; /* struct arena *, by address >> ARENA_SHIFT; const after arena_init */
static inline struct arena *arena_of(uintptr_t addr)
{
    return addr < HEAP_MAX ? load_acq(&arena_map[addr >> ARENA_SHIFT]) : NULL; /* arena_add */
}
static inline uint64_t page_entry(uintptr_t addr)
{
    struct arena *a = arena_of(addr);
    return a == NULL ? 0
                     : load_acq(&a->page[(addr >> PAGE_SHIFT) % ARENA_PAGES]); /* arena_set_span */
}
static inline bool pe_in_use(uint64_t e)
{
    return (e >> PE_IN_USE_SHIFT & 1) != 0;
}
static inline unsigned pe_class(uint64_t e)
{
    return (unsigned)(e >> PE_CLASS_SHIFT) & 127;
}
static inline enum obj_kind pe_kind(uint64_t e)
{
    return (enum obj_kind)((e >> PE_KIND_SHIFT) & 3);
}
static inline unsigned pe_page(uint64_t e)
{
    return (unsigned)(e >> PE_PAGE_SHIFT);
}
static inline struct span *pe_span(uint64_t e)
{
    return (struct span *)(uintptr_t)(e & PE_SPAN_MASK);
}
static inline struct page_meta *meta_of(struct arena *a, uintptr_t first_page)
{
    return &a->meta[(first_page >> PAGE_SHIFT) % ARENA_PAGES];
}
/* The marks of one half. Class 1 has 1024 slots, no ptr bits (it is never precise) and is not scanned
 * span by span: half 0 is mark[0] and mark[1], half 1 is ptr. */
static inline au64 *meta_marks(struct page_meta *m, unsigned class, unsigned half)
{
    return class != 1 ? m->mark[half] : half == 0 ? m->mark[0] : m->ptr;
}
extern const uint32_t class_magic[]; /* offset * magic >> 32 is the slot; 0 for class 0 */

/* What the collector tells this room. */
struct mem_gc {
    au32 marking; /* new objects are born marked and scanned */
    au32 half;    /* the half of the marks that is being set, or was set by the last cycle */
    au32 cycle;   /* grows by 2 whenever marking ends; a span whose `swept` is 2 less waits to be
                     swept, and its dead slots look taken; 1 less: somebody sweeps it */
};
extern struct mem_gc mem_gc;
/* Before the first arena: marks are to be memory that a child process shares (MAP_SHARED). */
void mem_share_marks(void);
/* In a child: marks from now on are its own, beginning with what they are; for gc_checkmark. */
void mem_unshare_marks(void);
/* Calls fn for the part in use, [lo, hi), of each arena; new arenas may come meanwhile. */
void arena_each(void (*fn)(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg), void *arg);
/* A cycle begins: every span is swept. Turns the halves, and marks what caches still hold. */
STW void mem_mark_start(void);
/* Marking is over: empties the caches; every span waits to be swept. */
STW void mem_mark_end(void);
/* Sweeps up to n spans that wait for it (gc_sweep_span); how many were. 0: none waits, though another
 * thread may still be busy with one: mem_sweep_done. */
unsigned mem_sweep(unsigned n);
bool mem_sweep_done(void);
/* Waits until this span is swept, or sweeps it: before a special is added, a weak pointer read. The
 * caller holds no lock. If nothing is alive in the span, it may be gone by now, and its struct another's:
 * then that one is swept or left alone. */
void mem_sweep_span(struct span *s);

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
    uint32_t magic;         /* class_magic[class] */
    uint8_t class, kind;    /* kind: enum obj_kind */
    bool needzero;          /* free slots may hold old bytes */
    struct page_meta *meta; /* of its first page */
    union {                 /* OBJ_PRECISE only, with slots above BITS_MAX: */
        aptr *types; /* const struct gort_type *, of each slot; NULL: not known yet, or free */
        aptr type;   /* class 0: of the only one */
    } u;
    /* owner (who caches it, or sweeps it): */
    au32 free_index;
    aptr taken_bits; /* a half of its marks; NULL: no slot from free_index on is taken */
    aptr slot;       /* the cache's struct slot while cached */
    /* atomic: */
    au32 swept; /* mem_gc.cycle when it was last swept, or born */
    /* lock (rank special, gc/special.c): */
    struct special *specials; /* in the order of slots */
    /* lock (pages while free, central otherwise): */
    struct node node;
    /* lock (pages): */
    size_t dirty_pages; /* of a free run: those that cost memory */
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
/* Small precise spans: notes `mask` (a bit for each word) for each slot of [lo, hi), whose bits are clear;
 * clears them. By who caches the span. */
void span_set_pointers(struct span *s, uint32_t lo, uint32_t hi, uint64_t mask);
void span_clear_pointers(struct span *s, uint32_t lo, uint32_t hi);
/* Is this slot an object? Those of the run a cache still holds are not. Any thread may ask. */
bool span_slot_taken(struct span *s, uint32_t slot);
/* Marks slots [lo, hi), and as scanned; any thread. */
void span_mark(struct span *s, uint32_t lo, uint32_t hi);
static inline unsigned span_words(const struct span *s) /* of its marks */
{
    return (s->nslots + 63) / 64;
}
/* By who sweeps it: which of the slots 64 * w ... are objects that were not marked. */
uint64_t span_dead(struct span *s, unsigned w);
/* By who sweeps it: frees what is dead; the other half and `scan` are clear afterwards. */
struct span_left {
    uint32_t alive, freed; /* slots */
};
struct span_left span_turn(struct span *s);
void span_check(struct span *s);
extern struct fixed span_structs;

static inline uint32_t span_slot_of(const struct span *s, uintptr_t addr)
{
    return (uint32_t)((uint64_t)(addr - s->base) * s->magic >> 32);
}

/* ---- arena.c: address space, and address -> span */
/* Address space for `bytes` (a multiple of ARENA_BYTES), aligned to arenas; 0 when refused. */
uintptr_t arena_reserve(size_t bytes, bool noscan);
/* The heap takes these pages into use; of each arena always from where it ended. */
void arena_use(uintptr_t base, size_t npages);
/* Enters a span in use, whose class and kind are set, on all its pages; NULL: clears them. */
void arena_set_span(uintptr_t base, size_t npages, struct span *s);
/* Enters a free run on its first or its last page; NULL: clears it. */
void arena_set_free(uintptr_t addr, struct span *s);
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
/* Pages without pointers are kept from a child process that is about to be made, or not any more. The
 * program's own children want them: with the world stopped, around os_clone_child. */
STW void mem_keep_from_child(bool keep);

/* ---- scavenge.c: free pages that cost memory go back to the system. Any thread that holds no lock
 * of the heap. */
/* Gives back up to so many bytes, or up to a huge page (2 MiB) more; how many. 0: nothing is to be had,
 * or the kernel refuses (as it does for pages that the program has locked in memory). */
size_t scavenge_some(size_t bytes);
/* All of them: debug.FreeOSMemory. */
size_t scavenge_all(void);
/* At the end of marking: so many bytes of heap are wanted soon. Before the first call nothing is given
 * back because of it. */
void scavenge_goal(uint64_t retain_bytes);
/* mem_mapped_ready is to stay below, as far as giving back free pages can do it; UINT64_MAX: any. */
void scavenge_limit(uint64_t bytes);
/* For the background scavenger, a single thread: a step towards the goals, of at most so many bytes;
 * 0: there is nothing to do. Then it sleeps until there may be. */
size_t scavenge_background(size_t bytes);
void scavenge_sleep(void);
/* CPU time of allocations that gave pages back for their own sake, since the start of the program. */
int64_t scavenge_assist_ns(void);
/* GODEBUG=scavtrace=1: the line about what the background did since the last one, or if `forced`, what
 * the latest scavenge_all did. */
void scavenge_trace(bool forced);
/* Bytes of heap that cost memory: in use, or free and not given back. */
uint64_t mem_heap_retained(void);
/* What the process needs for itself, but for stacks: Sys - HeapReleased. */
uint64_t mem_mapped_ready(void);

/* ---- pagetrace.c: GODEBUG=pagetrace=FILE */
/* After conf_init, before the heap exists. Is there a trace to be finished? */
bool pagetrace_start(void);
/* The program ends: writes what is left. A second call does nothing. A goroutine has to be inside. */
void pagetrace_finish(void);

/* ---- central.c: spans in no cache */
void central_init(void);
/* A span with a free slot, in no list; NULL: out of memory. Sweeps before it asks for more pages. */
struct span *central_take(unsigned class, enum obj_kind kind);
void central_put(struct span *s); /* a swept one */
/* Sweeps, a bounded number of spans, for as many pages of this kind as a large object wants. */
void central_make_room(size_t npages, enum obj_kind kind);
/* With nobody allocating or sweeping. */
void central_check(void);
/* Calls fn for each span of this class and kind that is in no cache; under the lock of the lists.
 * One that is being swept is left out. */
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
    const void
        *type; /* the whole run has the pointer bits of this type; the slot itself: it has none */
};
struct cache {
    /* owner: */
    struct slot slot[OBJ_KINDS][CLASSES];
    uintptr_t tiny_next, tiny_end; /* the rest of the current tiny block */
    /* owner, read by mem_usage_now: */
    au64 ntiny;          /* objects in tiny blocks, since the last flush */
    au64 taken[CLASSES]; /* slots handed to `slot`, since the last flush */
    au32 moving;         /* odd while `taken` and `slot` do not fit each other */
    /* owner: */
    size_t untold_bytes; /* of runs, that gc_allocated was not told of */
    /* owner; gc/watch.c, for the memory profile: */
    uint8_t sample[OBJ_KINDS][CLASSES];
    int sample_rate;
    uint64_t sample_left; /* bytes until the next sample */
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
/* The same for one class and kind; what was used is counted with the next flush. */
void mem_cache_flush_slot(struct cache *c, enum obj_kind kind, unsigned class);
/* With the world stopped, or for the owner of the P. */
void mem_cache_check(struct cache *c);
/* Walks all of this room: caches, lists, spans, pages. With the world stopped and nobody sweeping. */
STW void mem_check(void);
STW void mem_cache_flush_all(void);
/* A span for one object of more than SMALL_MAX bytes, zeroed; NULL: out of memory. */
struct span *mem_large_take(size_t bytes, enum obj_kind kind);
/* The same, but if s->needzero, it is still to be zeroed. It is an object already. */
struct span *mem_large_take_dirty(size_t bytes, enum obj_kind kind);

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
