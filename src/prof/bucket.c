/* bucket.c: stacks, each remembered once.
 *
 * Owns    the table of buckets: one for each kind, size and stack that an event was sampled with. What a
 *         bucket counts is its kind's: heap.c, block.c.
 * Holds   1. A bucket is in the table and in its kind's list, and is never freed.
 *         2. Its key never changes.
 * Locks   `lock`, rank prof, to enter one. It is held together with no other lock of that rank.
 * Order   a bucket is published by store_rel at the head of its slot and of its list; readers walk both
 *         without the lock.
 * Instead of a limit: Go has none either, and stacks that are sampled are few. MemStats says what they
 *         cost (BuckHashSys).
 */
#include "prof/bucket.h"

#include "mem/mem.h"
#include "os/os.h"

#include <string.h>

enum { TABLE_SLOTS = 1 << 15 };

static struct {
    struct lock lock; /* rank prof */
    /* lock+atomic: */
    aptr table; /* aptr[TABLE_SLOTS]; NULL until the first sample */
    aptr newest[BUCKET_KINDS];
} buckets = {.lock = LOCK_INIT(prof)};

struct key {
    enum bucket_kind kind;
    size_t bytes;
    const uintptr_t *pcs;
    size_t n;
};

static uint32_t slot_of(const struct key *k)
{
    uint64_t h = k->bytes ^ (uint64_t)k->kind << 56;
    for (size_t i = 0; i < k->n; i++)
        h = (h ^ k->pcs[i]) * UINT64_C(0x9e3779b97f4a7c15) + (h >> 29);
    return (uint32_t)(h >> 32) % TABLE_SLOTS;
}

static bool is_it(const struct bucket *b, const struct key *k)
{
    return b->kind == k->kind && b->bytes == k->bytes && b->n == k->n &&
           (k->n == 0 || memcmp(b->pcs, k->pcs, k->n * sizeof k->pcs[0]) == 0);
}

static struct bucket *find(const struct key *k, uint32_t slot)
{
    aptr *table = load_acq(&buckets.table);                           /* pairs with enter */
    struct bucket *b = table != NULL ? load_acq(&table[slot]) : NULL; /* pairs with enter */
    while (b != NULL && !is_it(b, k))
        b = b->same_slot;
    return b;
}

static struct bucket *bucket_new(const struct key *k)
{
    struct bucket *b = persist_alloc_for(sizeof *b + k->n * sizeof k->pcs[0], 8, SYS_BUCKETS);
    b->kind = k->kind;
    b->bytes = k->bytes;
    b->n = (uint32_t)k->n;
    if (k->n != 0)
        memcpy(b->pcs, k->pcs, k->n * sizeof k->pcs[0]);
    return b;
}

static struct bucket *enter(const struct key *k, uint32_t slot) REQUIRES(buckets.lock)
{
    aptr *table = load_rlx(&buckets.table);
    if (table == NULL) {
        table = persist_alloc_for(TABLE_SLOTS * sizeof table[0], 64, SYS_BUCKETS);
        store_rel(&buckets.table, (void *)table); /* pairs with find */
    }
    struct bucket *b = bucket_new(k);
    b->same_slot = load_rlx(&table[slot]);
    b->older = load_rlx(&buckets.newest[k->kind]);
    store_rel(&table[slot], (void *)b);             /* pairs with find */
    store_rel(&buckets.newest[k->kind], (void *)b); /* pairs with bucket_newest */
    return b;
}

struct bucket *bucket_of(enum bucket_kind kind, size_t bytes, const uintptr_t *pcs, size_t n)
{
    struct key k = {kind, bytes, pcs, n < BUCKET_FRAMES ? n : BUCKET_FRAMES};
    uint32_t slot = slot_of(&k);
    struct bucket *b = find(&k, slot);
    if (b != NULL)
        return b;
    lock(&buckets.lock);
    b = find(&k, slot);
    if (b == NULL)
        b = enter(&k, slot);
    unlock(&buckets.lock);
    return b;
}

struct bucket *bucket_newest(enum bucket_kind kind)
{
    return load_acq(&buckets.newest[kind]); /* pairs with enter */
}
