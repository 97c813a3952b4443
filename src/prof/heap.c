/* heap.c: the memory profile.
 *
 * Owns    counts of births and deaths in the buckets of sampled objects. Which object is sampled is
 *         gc/watch.c's; that a sampled object died is gc/special.c's.
 * Holds   1. active + future[0..2] of a bucket are all of its births and deaths.
 *         2. In cycle c births are entered at c + 2, deaths at c + 1, each modulo 3; the end of marking
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
#include "prof/block.h"
#include "prof/prof_int.h"
#include "sched/sched.h"

#include <string.h>

enum { RATE_DEFAULT = 512 * 1024 };

int gort_mem_profile_rate = RATE_DEFAULT;

static struct {
    struct lock lock; /* rank prof */
    /* lock: */
    uint32_t cycle;
    bool published; /* future[cycle % 3] has moved to active */
} heap = {.lock = LOCK_INIT(prof)};

void prof_init(void)
{
    if (knobs.memprofilerate != RATE_DEFAULT)
        gort_mem_profile_rate = knobs.memprofilerate;
    gc_sample_freed = prof_heap_freed;
    prof_ticks_init();
}

/* ---- births and deaths */
void *prof_heap_born(size_t bytes, const uintptr_t *pcs, size_t n)
{
    struct bucket *b = bucket_of(BUCKET_HEAP, bytes, pcs, n);
    lock(&heap.lock);
    b->u.heap.future[(heap.cycle + 2) % HEAP_CYCLES].allocs++;
    unlock(&heap.lock);
    return b;
}

void prof_heap_freed(void *bucket, size_t bytes)
{
    struct bucket *b = bucket;
    DCHECK(b->bytes == bytes);
    (void)bytes;
    lock(&heap.lock);
    b->u.heap.future[(heap.cycle + 1) % HEAP_CYCLES].frees++;
    unlock(&heap.lock);
}

/* ---- publication */
static void move(struct heap_counts *to, struct heap_counts *from)
{
    to->allocs += from->allocs;
    to->frees += from->frees;
    *from = (struct heap_counts){0, 0};
}

static void publish(uint32_t cycle) REQUIRES(heap.lock)
{
    for (struct bucket *b = bucket_newest(BUCKET_HEAP); b != NULL; b = b->older)
        move(&b->u.heap.active, &b->u.heap.future[cycle % HEAP_CYCLES]);
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
    publish_current(); /* 2: the next cycle's births go there */
    heap.cycle = (heap.cycle + 1) % (HEAP_CYCLES * (1u << 24));
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
    for (const struct bucket *b = bucket_newest(BUCKET_HEAP); b != NULL; b = b->older)
        if (b->u.heap.active.allocs != 0 || b->u.heap.active.frees != 0)
            return false;
    return true;
}

/* Before the first collection there is nothing to wait for. */
static void make_current(void) REQUIRES(heap.lock)
{
    publish_current();
    if (nothing_published())
        for (uint32_t i = 0; i < HEAP_CYCLES; i++)
            publish(i);
}

static bool is_shown(const struct bucket *b, bool inuse_zero)
{
    return inuse_zero || b->u.heap.active.allocs != b->u.heap.active.frees;
}

static void fill(gort_mem_profile_record *r, const struct bucket *b)
{
    memset(r, 0, sizeof *r);
    r->alloc_objects = (int64_t)b->u.heap.active.allocs;
    r->free_objects = (int64_t)b->u.heap.active.frees;
    r->alloc_bytes = (int64_t)(b->u.heap.active.allocs * b->bytes);
    r->free_bytes = (int64_t)(b->u.heap.active.frees * b->bytes);
    memcpy(r->stack0, b->pcs, b->n * sizeof b->pcs[0]);
}

bool gort_mem_profile(gort_mem_profile_record *p, int len, bool inuse_zero, int *n)
{
    struct m *m = m_enter();
    const struct bucket *newest =
        bucket_newest(BUCKET_HEAP); /* newer ones have nothing to say yet */
    int count = 0;
    lock(&heap.lock);
    make_current();
    for (const struct bucket *b = newest; b != NULL; b = b->older)
        count += is_shown(b, inuse_zero);
    bool fits = count <= len;
    if (fits)
        for (const struct bucket *b = newest; b != NULL; b = b->older)
            if (is_shown(b, inuse_zero))
                fill(p++, b);
    unlock(&heap.lock);
    m_leave(m);
    *n = count;
    return fits;
}

size_t prof_heap_take(const struct bucket *newest, struct prof_heap_record *r)
{
    struct m *m = m_enter();
    size_t n = 0;
    lock(&heap.lock);
    make_current();
    for (const struct bucket *b = newest; b != NULL; b = b->older)
        r[n++] = (struct prof_heap_record){b, b->u.heap.active};
    unlock(&heap.lock);
    m_leave(m);
    return n;
}

void prof_heap_each(prof_heap_fn fn, void *arg)
{
    lock(&heap.lock);
    make_current();
    for (const struct bucket *b = bucket_newest(BUCKET_HEAP); b != NULL; b = b->older)
        fn(b, b->bytes, b->pcs, b->n, b->u.heap.active.allocs, b->u.heap.active.frees, arg);
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
