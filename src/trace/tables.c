/* tables.c: the stacks and strings of one generation.
 *
 * Owns    the tables that turn a stack, or a text, into a number: the same within a generation.
 * Holds   1. A record, once in its slot, does not change until tables_clear.
 *         2. Stacks leave room for strings, without which they would be nameless.
 *         3. tables_clear and the walks run when nobody adds: the generation has ended.
 * Locks   none to find or add a stack: a slot is filled by compare-and-swap. tables->lock, rank tracebuf,
 *         for another piece of memory, and for strings.
 * Order   a record is complete before cas_rel puts it into its slot; load_acq finds it.
 */
#include "trace/trace_int.h"

#include <string.h>

enum {
    CHUNK_BYTES = 256 * 1024,
    CHUNKS_MAX = 64,
    CHUNKS_WITH_STRINGS = 256,
    BUCKETS = 256,
    PROBES_MAX = 64
};

struct chunk {
    struct chunk *next;
    au32 used;
    _Alignas(8) uint8_t data[]; /* records */
};

struct tables {
    struct lock lock; /* rank tracebuf */
    aptr chunk;       /* atomic; struct chunk */
    au32 nstacks, next_stack;
    /* lock: */
    uint32_t nchunks, next_string;
    struct string_record *strings[BUCKETS];
    aptr slot[TRACE_STACK_SLOTS];
};

struct tables *tables_new(void)
{
    struct tables *t = os_map(sizeof *t);
    if (t == NULL)
        return NULL;
    lock_init(&t->lock, tracebuf);
    t->next_string = TEXTS;
    store_rlx(&t->next_stack, 1u);
    return t;
}

static void *room_in(struct chunk *c, size_t bytes)
{
    if (c == NULL || load_rlx(&c->used) + bytes > CHUNK_BYTES - sizeof *c)
        return NULL;
    uint32_t at = add_rlx(&c->used, (uint32_t)bytes);
    return at + bytes <= CHUNK_BYTES - sizeof *c ? c->data + at : NULL;
}

static bool add_chunk(struct tables *t, struct chunk *seen, uint32_t max) REQUIRES(t->lock)
{
    if (load_rlx(&t->chunk) != seen)
        return true;
    struct chunk *c = t->nchunks < max ? os_map(CHUNK_BYTES) : NULL;
    if (c == NULL)
        return false;
    t->nchunks++;
    c->next = seen;
    store_rel(&t->chunk, c); /* pairs with room */
    return true;
}

static void *room_locked(struct tables *t, size_t bytes, uint32_t max) REQUIRES(t->lock)
{
    bytes = (bytes + 7) & ~(size_t)7;
    for (;;) {
        struct chunk *c = load_rlx(&t->chunk);
        void *p = room_in(c, bytes);
        if (p != NULL || !add_chunk(t, c, max))
            return p;
    }
}

static void *room(struct tables *t, size_t bytes)
{
    void *p = room_in(load_acq(&t->chunk), (bytes + 7) & ~(size_t)7); /* pairs with add_chunk */
    if (p != NULL)
        return p;
    lock(&t->lock);
    p = room_locked(t, bytes, CHUNKS_MAX);
    unlock(&t->lock);
    return p;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * 0x9E3779B97F4A7C15ULL;
    return h ^ h >> 29;
}

static struct stack_record *new_stack(struct tables *t, uint64_t hash, const uintptr_t *pcs,
                                      size_t n)
{
    struct stack_record *r = NULL;
    if (load_rlx(&t->nstacks) < TRACE_STACK_SLOTS / 4 * 3)
        r = room(t, sizeof *r + n * sizeof *pcs);
    if (r == NULL)
        return NULL;
    r->hash = hash;
    r->n = (uint32_t)n;
    r->id = add_rlx(&t->next_stack, 1u);
    memcpy(r->pcs, pcs, n * sizeof *pcs);
    return r;
}

uint32_t tables_stack(struct tables *t, const uintptr_t *pcs, size_t n)
{
    uint64_t hash = n;
    struct stack_record *mine = NULL;
    if (n == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        hash = mix(hash, pcs[i]);
    for (uint32_t i = 0; i < PROBES_MAX;) {
        aptr *slot = &t->slot[(hash + i) & (TRACE_STACK_SLOTS - 1)];
        const struct stack_record *r = load_acq(slot); /* pairs with cas_rel */
        if (r == NULL) {
            if (mine == NULL && (mine = new_stack(t, hash, pcs, n)) == NULL)
                return 0;
            if (!cas_rel(slot, NULL, (void *)mine)) /* pairs with load_acq */
                continue;
            add_rlx(&t->nstacks, 1u);
            return mine->id;
        }
        if (r->hash == hash && r->n == n && memcmp(r->pcs, pcs, n * sizeof *pcs) == 0)
            return r->id;
        i++;
    }
    return 0;
}

uint32_t tables_string(struct tables *t, const char *text, size_t len)
{
    uint64_t hash = 5381;
    if (len > STRING_BYTES_MAX)
        len = STRING_BYTES_MAX;
    for (size_t i = 0; i < len; i++)
        hash = mix(hash, (uint8_t)text[i]);
    lock(&t->lock);
    struct string_record **head = &t->strings[hash % BUCKETS], *r = *head;
    while (r != NULL && (r->hash != hash || r->len != len || memcmp(r->text, text, len) != 0))
        r = r->next;
    if (r == NULL && (r = room_locked(t, sizeof *r + len, CHUNKS_WITH_STRINGS)) != NULL) {
        r->hash = hash;
        r->len = (uint32_t)len;
        r->id = t->next_string++;
        memcpy(r->text, text, len);
        r->next = *head;
        *head = r;
    }
    unlock(&t->lock);
    return r != NULL ? r->id : 0;
}

void tables_each_stack(struct tables *t, void (*fn)(const struct stack_record *r, void *arg),
                       void *arg)
{
    for (uint32_t i = 0; i < TRACE_STACK_SLOTS; i++)
        if (load_rlx(&t->slot[i]) != NULL)
            fn(load_acq(&t->slot[i]), arg); /* pairs with cas_rel */
}

void tables_each_string(struct tables *t, void (*fn)(const struct string_record *r, void *arg),
                        void *arg)
{
    for (unsigned i = 0; i < BUCKETS; i++)
        for (const struct string_record *r = t->strings[i]; r != NULL; r = r->next)
            fn(r, arg);
}

void tables_clear(struct tables *t)
{
    for (struct chunk *c = load_rlx(&t->chunk), *next; c != NULL; c = next) {
        next = c->next;
        os_unmap(c, CHUNK_BYTES);
    }
    store_rlx(&t->chunk, NULL);
    if (load_rlx(&t->nstacks) > 0)
        memset(t->slot, 0, sizeof t->slot);
    memset(t->strings, 0, sizeof t->strings);
    store_rlx(&t->nstacks, 0u);
    store_rlx(&t->next_stack, 1u);
    t->nchunks = 0;
    t->next_string = TEXTS;
}
