/* heap.c: the memory profile.
 *
 * Owns    buckets: one for each stack and size of sampled objects, with counts of births and deaths.
 *         Which object is sampled is gc/watch.c's; that a sampled object died is gc/special.c's.
 * Holds   1. A bucket is in the hash table and in the list `all`, and is never freed.
 *         2. active + future[0..2] of a bucket are all of its births and deaths.
 *         3. In cycle c births are entered at c + 2, deaths at c + 1, each modulo 3; the end of marking
 *            begins cycle c + 1, then future[(c + 1) % 3] moves to `active`, before anyone may enter
 *            something there.
 * Locks   `lock`, rank prof.
 *
 *   cycle c      marking ends     cycle c+1      marking ends     cycle c+2
 *   a birth  --------------- nobody knows it yet -----------> it is published
 *                                 its death is found  ------> it is published, too
 *
 * So a birth is never seen before the sweep that could have shown the death of its object: what is
 * published is the heap as one collection left it. Without the delay, short-lived garbage that was
 * allocated since the last collection would look like growth.
 */
#include "prof/prof.h"

#include <gort/prof.h>

#include "conf/conf.h"
#include "gc/gc.h"
#include "sched/sched.h"

#include <string.h>

enum { TABLE_SLOTS = 1 << 15, CYCLES = 3, RATE_DEFAULT = 512 * 1024 };

int gort_mem_profile_rate = RATE_DEFAULT;

struct counts {
    uint64_t allocs, frees; /* objects */
};

struct bucket {
    /* const: */
    struct bucket *same_slot, *older;
    size_t bytes; /* of each object */
    size_t n;
    /* lock: */
    struct counts active, future[CYCLES];
    /* const: */
    uintptr_t pcs[];
};

static struct {
    struct lock lock; /* rank prof */
    /* lock: */
    struct bucket **table; /* NULL until the first sample */
    struct bucket *all;    /* the newest first */
    uint32_t cycle;
    bool published; /* future[cycle % 3] has moved to active */
} heap = {.lock = LOCK_INIT(prof)};

void prof_init(void)
{
    if (knobs.memprofilerate != RATE_DEFAULT)
        gort_mem_profile_rate = knobs.memprofilerate;
    gc_sample_freed = prof_heap_freed;
}

/* ---- buckets */
static uint32_t hash_of(size_t bytes, const uintptr_t *pcs, size_t n)
{
    uint64_t h = bytes;
    for (size_t i = 0; i < n; i++)
        h = (h ^ pcs[i]) * UINT64_C(0x9e3779b97f4a7c15) + (h >> 29);
    return (uint32_t)(h >> 32) % TABLE_SLOTS;
}

static bool is_it(const struct bucket *b, size_t bytes, const uintptr_t *pcs, size_t n)
{
    return b->bytes == bytes && b->n == n && memcmp(b->pcs, pcs, n * sizeof pcs[0]) == 0;
}

static struct bucket *bucket_new(size_t bytes, const uintptr_t *pcs, size_t n)
{
    struct bucket *b = persist_alloc_for(sizeof *b + n * sizeof pcs[0], 8, SYS_BUCKETS);
    b->bytes = bytes;
    b->n = n;
    memcpy(b->pcs, pcs, n * sizeof pcs[0]);
    return b;
}

static struct bucket *bucket_of(size_t bytes, const uintptr_t *pcs, size_t n) REQUIRES(heap.lock)
{
    uint32_t slot = hash_of(bytes, pcs, n);
    if (heap.table == NULL)
        heap.table = persist_alloc_for(TABLE_SLOTS * sizeof heap.table[0], 64, SYS_BUCKETS);
    for (struct bucket *b = heap.table[slot]; b != NULL; b = b->same_slot)
        if (is_it(b, bytes, pcs, n))
            return b;
    struct bucket *b = bucket_new(bytes, pcs, n);
    b->same_slot = heap.table[slot];
    heap.table[slot] = b;
    b->older = heap.all;
    heap.all = b;
    return b;
}

/* ---- births and deaths */
void *prof_heap_born(size_t bytes, const uintptr_t *pcs, size_t n)
{
    if (n > HEAP_PROFILE_FRAMES)
        n = HEAP_PROFILE_FRAMES;
    lock(&heap.lock);
    struct bucket *b = bucket_of(bytes, pcs, n);
    b->future[(heap.cycle + 2) % CYCLES].allocs++;
    unlock(&heap.lock);
    return b;
}

void prof_heap_freed(void *bucket, size_t bytes)
{
    struct bucket *b = bucket;
    DCHECK(b->bytes == bytes);
    (void)bytes;
    lock(&heap.lock);
    b->future[(heap.cycle + 1) % CYCLES].frees++;
    unlock(&heap.lock);
}

/* ---- publication */
static void move(struct counts *to, struct counts *from)
{
    to->allocs += from->allocs;
    to->frees += from->frees;
    *from = (struct counts){0, 0};
}

static void publish(uint32_t cycle) REQUIRES(heap.lock)
{
    for (struct bucket *b = heap.all; b != NULL; b = b->older)
        move(&b->active, &b->future[cycle % CYCLES]);
}

static void publish_current(void) REQUIRES(heap.lock)
{
    if (!heap.published)
        publish(heap.cycle);
    heap.published = true;
}

STW void prof_heap_cycle(void)
{
    lock(&heap.lock);
    publish_current(); /* 3: the next cycle's births go there */
    heap.cycle = (heap.cycle + 1) % (CYCLES * (1u << 24));
    heap.published = false;
    unlock(&heap.lock);
}

void prof_heap_publish(void)
{
    lock(&heap.lock);
    publish_current();
    unlock(&heap.lock);
}

void prof_heap_publish_swept(void)
{
    lock(&heap.lock);
    publish_current();
    publish(heap.cycle + 1);
    unlock(&heap.lock);
}

/* ---- reading */
static bool nothing_published(void) REQUIRES(heap.lock)
{
    for (const struct bucket *b = heap.all; b != NULL; b = b->older)
        if (b->active.allocs != 0 || b->active.frees != 0)
            return false;
    return true;
}

/* Before the first collection there is nothing to wait for. */
static void make_current(void) REQUIRES(heap.lock)
{
    publish_current();
    if (nothing_published())
        for (uint32_t i = 0; i < CYCLES; i++)
            publish(i);
}

static bool is_shown(const struct bucket *b, bool inuse_zero)
{
    return inuse_zero || b->active.allocs != b->active.frees;
}

static void fill(gort_mem_profile_record *r, const struct bucket *b)
{
    memset(r, 0, sizeof *r);
    r->alloc_objects = (int64_t)b->active.allocs;
    r->free_objects = (int64_t)b->active.frees;
    r->alloc_bytes = (int64_t)(b->active.allocs * b->bytes);
    r->free_bytes = (int64_t)(b->active.frees * b->bytes);
    memcpy(r->stack0, b->pcs, b->n * sizeof b->pcs[0]);
}

bool gort_mem_profile(gort_mem_profile_record *p, int len, bool inuse_zero, int *n)
{
    struct m *m = m_enter();
    int count = 0;
    lock(&heap.lock);
    make_current();
    for (const struct bucket *b = heap.all; b != NULL; b = b->older)
        count += is_shown(b, inuse_zero);
    bool fits = count <= len;
    if (fits)
        for (const struct bucket *b = heap.all; b != NULL; b = b->older)
            if (is_shown(b, inuse_zero))
                fill(p++, b);
    unlock(&heap.lock);
    m_leave(m);
    *n = count;
    return fits;
}

void prof_heap_each(prof_heap_fn fn, void *arg)
{
    lock(&heap.lock);
    make_current();
    for (const struct bucket *b = heap.all; b != NULL; b = b->older)
        fn(b, b->bytes, b->pcs, b->n, b->active.allocs, b->active.frees, arg);
    unlock(&heap.lock);
}

int64_t gort_mem_profile_record_inuse_bytes(const gort_mem_profile_record *r)
{
    return r->alloc_bytes - r->free_bytes;
}

int64_t gort_mem_profile_record_inuse_objects(const gort_mem_profile_record *r)
{
    return r->alloc_objects - r->free_objects;
}

const uintptr_t *gort_mem_profile_record_stack(const gort_mem_profile_record *r, int *n)
{
    *n = 0;
    while (*n < (int)ARRAY_LEN(r->stack0) && r->stack0[*n] != 0)
        ++*n;
    return r->stack0;
}
