/* pool.c: things to be used again.
 *
 * Owns    gort_pool: for each P one item of its own and a stack of more, which other Ps take from
 *         when they have none. What a collection finds in a pool becomes second choice (`old`),
 *         and is forgotten by the next.
 * Holds   1. An item is in one place of one pool.
 *         2. shard->count is the number of items in its chunks.
 *         3. A pool that may hold anything is in the list of pools.
 * Locks   shard->lock for the stack, pools.lock for the list, both of rank sync and never held
 *         together. `own` needs none: only the goroutine that holds the P looks at it.
 * Instead of a state inside gort_pool: what the collector rotates lies in the collected heap, so
 *         that a program may free the memory of a pool without telling anyone.
 */
#include "sync/sync.h"

#include "base/track.h"
#include "gc/gc.h"

enum { CHUNK_ITEMS = 30 };

struct chunk {
    struct chunk *below;
    uint32_t n;
    void *items[CHUNK_ITEMS];
};

struct shard {
    /* owner (the P of this number): */
    void *own;
    /* lock: */
    struct lock lock; /* rank sync */
    struct chunk *top;
    /* lock+atomic: */
    au32 count;
} ALIGNED(64);

/*              put              rotate            rotate
 *   UNLISTED ---------> USED ------------> QUIET ------------> UNLISTED
 *                         ^------ put ------|
 */
enum pool_use { POOL_UNLISTED, POOL_USED, POOL_QUIET };

/* Shards for each P that there was when the pool was first used. A P with a higher number
 * shares. */
struct pool_state {
    /* lock (pools): */
    struct pool_state *next;
    /* lock+atomic: */
    au32 use; /* enum pool_use */
    /* const: */
    uint32_t nshards;
    /* stw: */
    struct shard *fresh, *old;
};

static struct {
    struct lock lock; /* rank sync */
    /* lock: */
    struct pool_state *first;
} pools = {.lock = LOCK_INIT(sync)};

/* ---- shards: inside the runtime */

static struct shard *shards_new(uint32_t n)
{
    /* The collected heap aligns large objects to pages, small ones to their class: round up. */
    char *block = gc_alloc((n + 1) * sizeof(struct shard), OBJ_CONSERVATIVE);
    size_t off = (64 - (uintptr_t)block % 64) % 64;
    struct shard *s = (struct shard *)(void *)(block + off);
    for (uint32_t i = 0; i < n; i++)
        lock_init(&s[i].lock, sync);
    return s;
}

static void shard_push(struct shard *s, void *item)
{
    lock(&s->lock);
    struct chunk *c = s->top;
    if (c == NULL || c->n == CHUNK_ITEMS) {
        c = gc_alloc(sizeof *c, OBJ_CONSERVATIVE);
        c->below = s->top;
        s->top = c;
    }
    c->items[c->n++] = item;
    store_rlx(&s->count, load_rlx(&s->count) + 1);
    unlock(&s->lock);
}

static void *shard_pop(struct shard *s)
{
    if (load_rlx(&s->count) == 0)
        return NULL;
    void *item = NULL;
    lock(&s->lock);
    struct chunk *c = s->top;
    if (c != NULL) {
        item = c->items[--c->n];
        c->items[c->n] = NULL; /* the pool keeps it alive no more */
        if (c->n == 0)
            s->top = c->below;
        store_rlx(&s->count, load_rlx(&s->count) - 1);
    }
    unlock(&s->lock);
    return item;
}

/* Our own item, our own stack, then the others'. */
static void *shards_take(struct shard *shards, uint32_t n, uint32_t id)
{
    if (id < n && shards[id].own != NULL) {
        void *item = shards[id].own;
        shards[id].own = NULL;
        return item;
    }
    for (uint32_t i = 0; i < n; i++) {
        void *item = shard_pop(&shards[(id + i) % n]);
        if (item != NULL)
            return item;
    }
    return NULL;
}

/* ---- pools */

static void note_use(struct pool_state *st)
{
    lock(&pools.lock);
    if (load_rlx(&st->use) == POOL_UNLISTED) {
        st->next = pools.first;
        pools.first = st;
    }
    store_rlx(&st->use, (uint32_t)POOL_USED);
    unlock(&pools.lock);
}

static aptr *state_word(gort_pool *p)
{
    return (aptr *)(void *)&p->state_;
}

static struct pool_state *pool_state(gort_pool *p)
{
    struct pool_state *st = load_acq(state_word(p)); /* pairs with the swap below */
    if (likely(st != NULL))
        return st;
    st = gc_alloc(sizeof *st, OBJ_CONSERVATIVE);
    st->nshards = sched_nprocs();
    st->fresh = shards_new(st->nshards);
    st->old = shards_new(st->nshards);
    if (!cas_acq_rel(state_word(p), NULL, st))
        st = load_acq(state_word(p)); /* somebody was quicker */
    return st;
}

/* What was done to an item before it was put happened before what is done to it next. */
static const void *item_address(const void *item)
{
    static uint64_t of[128];
    return &of[(uint64_t)(uintptr_t)item * 0x9E3779B97F4A7C15ULL >> 57];
}

void gort_pool_put(gort_pool *p, void *item)
{
    if (item == NULL)
        return;
    track_release(item_address(item));
    struct m *m = m_enter();
    struct pool_state *st = pool_state(p);
    uint32_t id = m_p(m)->id;
    if (unlikely(load_rlx(&st->use) != POOL_USED))
        note_use(st);
    if (id < st->nshards && st->fresh[id].own == NULL)
        st->fresh[id].own = item;
    else
        shard_push(&st->fresh[id % st->nshards], item);
    m_leave(m);
}

void *gort_pool_get(gort_pool *p)
{
    struct m *m = m_enter();
    void *item = NULL;
    struct pool_state *st = load_acq(state_word(p)); /* pairs with pool_state */
    if (st != NULL) {
        uint32_t id = m_p(m)->id;
        item = shards_take(st->fresh, st->nshards, id);
        if (item == NULL)
            item = shards_take(st->old, st->nshards, id);
    }
    m_leave(m);
    if (item != NULL)
        track_acquire(item_address(item));
    if (item == NULL && p->make != NULL)
        item = p->make();
    return item;
}

static void shard_clear(struct shard *s)
{
    s->own = NULL;
    s->top = NULL;
    store_rlx(&s->count, 0u);
}

STW void pool_rotate(void)
{
    struct pool_state **at = &pools.first;
    while (*at != NULL) {
        struct pool_state *st = *at;
        struct shard *fresh = st->fresh;
        for (uint32_t i = 0; i < st->nshards; i++)
            shard_clear(&st->old[i]);
        st->fresh = st->old;
        st->old = fresh;
        if (load_rlx(&st->use) == POOL_QUIET) { /* now both are empty */
            store_rlx(&st->use, (uint32_t)POOL_UNLISTED);
            *at = st->next;
            st->next = NULL; /* it keeps the others alive no more */
        } else {
            store_rlx(&st->use, (uint32_t)POOL_QUIET);
            at = &st->next;
        }
    }
}
