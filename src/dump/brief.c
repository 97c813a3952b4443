/* brief.c: where many goroutines are, noted while the world is stopped and printed later.
 *
 * Owns    records of a few words and a pc for each frame, one behind the other in chunks of memory.
 * Holds   a chunk has room for the largest record before one is begun.
 * Instead of frames with their registers: ten thousand goroutines would be noted in 40 MiB, and the world
 *         stands meanwhile.
 */
#include "dump/cgo.h"
#include "dump/dump_int.h"

enum { CHUNK_BYTES = 256 * 1024 };

struct brief_chunk {
    struct brief_chunk *next;
    size_t used; /* bytes of `at` */
    char at[];
};

static size_t bytes_of(size_t words)
{
    return sizeof(struct brief) + words * sizeof(uintptr_t);
}

static struct brief *room_for(struct briefs *b, size_t words)
{
    size_t need = bytes_of(words);
    struct brief_chunk *c = b->last;
    if (c == NULL || CHUNK_BYTES - sizeof *c - c->used < need) {
        c = need <= CHUNK_BYTES - sizeof *c ? os_map(CHUNK_BYTES) : NULL;
        if (c == NULL)
            return NULL;
        if (b->last != NULL)
            b->last->next = c;
        else
            b->first = c;
        b->last = c;
    }
    return (struct brief *)(void *)(c->at + c->used);
}

static void take_stack(struct brief *r, struct g *g)
{
    struct m *m = load_rlx(&g->m);
    struct dump_place at;
    if (!g->started) {
        r->known = TRACE_ENTRY;
        return;
    }
    if (!trace_resting_place(g, &at)) {
        r->known = TRACE_NOTHING;
        return;
    }
    r->known = TRACE_STACK;
    r->exact = at.exact;
    size_t n = symb_backtrace(&at.ctx, at.exact, &g->stack, m != NULL ? &m->g0.stack : NULL, r->pcs,
                              TRACE_FRAMES);
    r->n = (uint16_t)cgo_complete(g, at.ucontext, r->pcs, n, TRACE_FRAMES);
}

void brief_take(struct briefs *b, struct g *g)
{
    size_t nancestors = ancestors_count(g->ancestors);
    struct brief *r = b->incomplete ? NULL : room_for(b, TRACE_FRAMES + nancestors);
    if (r == NULL) {
        b->incomplete = true;
        return;
    }
    struct trace_header h;
    trace_take_header(&h, g);
    *r = (struct brief){.id = h.id,
                        .status = h.status,
                        .minutes = h.minutes,
                        .locked = h.locked,
                        .leaked = h.leaked,
                        .created_pc = h.created_pc,
                        .entry_pc = h.entry_pc,
                        .nancestors = (uint16_t)nancestors};
    take_stack(r, g);
    ancestors_hold(g->ancestors, (struct origin **)(void *)(r->pcs + r->n), nancestors);
    b->last->used += bytes_of(r->n + nancestors);
}

void briefs_each(const struct briefs *b, void (*fn)(const struct brief *r, void *arg), void *arg)
{
    for (const struct brief_chunk *c = b->first; c != NULL; c = c->next) {
        for (size_t at = 0; at < c->used;) {
            const struct brief *r = (const struct brief *)(const void *)(c->at + at);
            fn(r, arg);
            at += bytes_of((size_t)r->n + r->nancestors);
        }
    }
}

static void drop_one(const struct brief *r, void *arg)
{
    (void)arg;
    ancestors_drop((struct origin *const *)(const void *)(r->pcs + r->n), r->nancestors);
}

void briefs_drop(struct briefs *b)
{
    briefs_each(b, drop_one, NULL);
    for (struct brief_chunk *c = b->first, *next; c != NULL; c = next) {
        next = c->next;
        os_unmap(c, CHUNK_BYTES);
    }
    *b = (struct briefs){.first = NULL};
}
