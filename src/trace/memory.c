/* memory.c: where a trace is kept until it is read.
 *
 * Owns    buffers, which threads fill with events, and generations, which are bytes in a row.
 * Holds   1. A buffer is free, in some thread's hands, or in `filled`, of the current generation.
 *         2. At most TRACE_BUFFERS_MAX buffers are not free: then the generation is cut.
 * Locks   memory.lock, rank tracebuf; taken once in a buffer.
 * Instead of handing buffers to the reader: each is full only by chance when a generation ends, and a
 *         recorder that keeps ten generations of a hundred threads would keep mostly empty ones.
 */
#include "trace/trace_int.h"

#include "os/fault.h"

#include <string.h>

enum { MAP_BYTES = 65536, PIECE_BYTES = 1024 * 1024 };
_Static_assert(sizeof(struct buffer) + HEAD_BYTES_MAX + TRACE_BUFFER_BYTES <= MAP_BYTES, "");

static struct {
    struct lock lock; /* rank tracebuf */
    /* lock: */
    struct buffer *free;
    struct buffer_list filled;
    uint32_t nused, nfree;
} memory = {.lock = LOCK_INIT(tracebuf)};

struct buffer *buffer_take(void)
{
    lock(&memory.lock);
    struct buffer *b = memory.free;
    bool may = memory.nused < TRACE_BUFFERS_MAX;
    if (b != NULL && may) {
        memory.free = b->next;
        memory.nfree--;
    }
    memory.nused += may;
    unlock(&memory.lock);
    if (!may)
        return NULL;
    if (b == NULL)
        b = os_map(MAP_BYTES);
    if (b != NULL) {
        b->next = NULL;
        b->len = 0;
        return b;
    }
    lock(&memory.lock);
    memory.nused--;
    unlock(&memory.lock);
    return NULL;
}

void buffer_keep(struct buffer *b)
{
    lock(&memory.lock);
    struct buffer_list *l = &memory.filled;
    b->next = NULL;
    *(l->last != NULL ? &l->last->next : &l->first) = b;
    l->last = b;
    bool many = ++l->n == TRACE_TURN_BUFFERS;
    unlock(&memory.lock);
    if (many)
        trace_generation_is_full();
}

void buffers_take_all(struct buffer_list *l)
{
    lock(&memory.lock);
    *l = memory.filled;
    memset(&memory.filled, 0, sizeof memory.filled);
    unlock(&memory.lock);
}

void buffers_each_filled(void (*fn)(const struct buffer *b, void *arg), void *arg)
{
    for (const struct buffer *b = memory.filled.first; b != NULL; b = b->next)
        fn(b, arg);
}

/* Some are kept for the next generation. */
void buffers_put_all(struct buffer_list *l)
{
    enum { KEPT = 128 };
    for (struct buffer *b = l->first, *next; b != NULL; b = next) {
        next = b->next;
        lock(&memory.lock);
        memory.nused--;
        bool keep = memory.nfree < KEPT;
        if (keep) {
            b->next = memory.free;
            memory.free = b;
            memory.nfree++;
        }
        unlock(&memory.lock);
        if (!keep)
            os_unmap(b, MAP_BYTES);
    }
    memset(l, 0, sizeof *l);
}

/* ---- complete generations */
struct gen *gen_new(void)
{
    return FAULT(trace_generation) ? NULL : os_map(sizeof(struct gen));
}

void gen_free(struct gen *g)
{
    for (struct piece *p = g->first, *next; p != NULL; p = next) {
        next = p->next;
        os_unmap(p, sizeof *p + p->cap);
    }
    os_unmap(g, sizeof *g);
}

static struct piece *piece_for(struct gen *g, size_t n)
{
    struct piece *p = g->last;
    if (p != NULL && p->len < p->cap)
        return p;
    size_t cap = (n > PIECE_BYTES ? PIECE_BYTES : n < 4096 ? 4096 : n) - sizeof *p;
    p = os_map(sizeof *p + cap);
    if (p == NULL)
        return NULL;
    p->cap = cap;
    *(g->last != NULL ? &g->last->next : &g->first) = p;
    g->last = p;
    return p;
}

void gen_write(struct gen *g, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;
    while (n > 0 && !g->cut) {
        struct piece *p = piece_for(g, g->bytes + n);
        if (p == NULL) {
            g->cut = true;
            return;
        }
        size_t k = p->cap - p->len < n ? p->cap - p->len : n;
        memcpy(p->data + p->len, from, k);
        p->len += k;
        from += k;
        n -= k;
        g->bytes += k;
    }
}
