/* brief.c: where many goroutines are, noted while the world is stopped and printed later.
 *
 * Owns    records of a few words and a pc for each frame, one behind the other in chunks of memory.
 * Holds   a chunk has room for the largest record before one is begun.
 * Instead of frames with their registers: ten thousand goroutines would be noted in 40 MiB, and the world
 *         stands meanwhile.
 */
#include "dump/cgo.h"
#include "dump/dump_int.h"

#include <string.h>

enum {
    CHUNK_BYTES = 256 * 1024,
    WORDS_MAX = TRACE_FRAMES + sizeof(struct trace_broken) / sizeof(uintptr_t),
};
_Static_assert(sizeof(struct trace_broken) % sizeof(uintptr_t) == 0, "one behind the other");

struct brief_chunk {
    struct brief_chunk *next;
    size_t used; /* bytes of `at` */
    char at[];
};

static size_t bytes_of(size_t words)
{
    return sizeof(struct brief) + words * sizeof(uintptr_t);
}

static size_t bytes_of_record(const struct brief *r)
{
    size_t words = (size_t)r->n + r->nancestors;
    return bytes_of(words) + (r->is_broken ? sizeof(struct trace_broken) : 0);
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

/* `b` is for what is broken. */
static void take_stack(struct brief *r, struct g *g, struct trace_broken *b)
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
    const struct stack *other = m != NULL ? &m->g0.stack : NULL;
    struct symb_steps w;
    symb_steps_begin(&w, &at.ctx, at.exact, &g->stack, other);
    w.strict = true;
    size_t all = symb_steps_run(&w, r->pcs, TRACE_FRAMES);
    size_t own = symb_steps_trim(&w, r->pcs, all, false);
    size_t n = cgo_complete(g, at.ucontext, r->pcs, own, TRACE_FRAMES);
    r->is_broken = n == own && all > 0 && all < TRACE_FRAMES && !w.whole &&
                   broken_take(b, g, &at, &g->stack, other);
    if (r->is_broken && all > 1 && broken_is_nonsense(b, r->pcs[all - 1]))
        n = symb_steps_trim(&w, r->pcs, all - 1, false);
    r->n = (uint16_t)n;
}

void brief_take(struct briefs *b, struct g *g)
{
    size_t nancestors = ancestors_count(g->ancestors);
    struct brief *r = b->incomplete ? NULL : room_for(b, WORDS_MAX + nancestors);
    struct trace_broken broken;
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
    take_stack(r, g, &broken);
    ancestors_hold(g->ancestors, (struct origin **)(void *)(r->pcs + r->n), nancestors);
    if (r->is_broken)
        memcpy(brief_broken(r), &broken, sizeof broken);
    b->last->used += bytes_of_record(r);
}

void briefs_each(const struct briefs *b, void (*fn)(const struct brief *r, void *arg), void *arg)
{
    for (const struct brief_chunk *c = b->first; c != NULL; c = c->next) {
        for (size_t at = 0; at < c->used;) {
            const struct brief *r = (const struct brief *)(const void *)(c->at + at);
            fn(r, arg);
            at += bytes_of_record(r);
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
