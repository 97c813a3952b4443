/* ancestors.c: who created the creator.
 *
 * Owns    what goroutines remember of the goroutines before them (GODEBUG=tracebackancestors).
 * Holds   an origin is immutable and shared by all descendants; the last one frees it.
 * Instead of a chain from child to parent: it would keep every generation of a long line alive.
 */
#include "dump/dump_int.h"

#include <stdlib.h>
#include <string.h>

/* One goroutine at the moment of a go statement. */
struct origin {
    /* atomic: */
    au32 refs;
    /* const: */
    uint64_t id;
    uintptr_t created_pc;
    size_t n;
    uintptr_t pcs[];
};

struct ancestor {
    uint32_t n; /* the nearest first */
    struct origin *of[];
};

static struct origin *origin_new(struct g *g, const uintptr_t *pcs, size_t n)
{
    struct origin *o = malloc(sizeof *o + n * sizeof o->pcs[0]);
    if (o == NULL)
        return NULL;
    store_rlx(&o->refs, 1u);
    o->id = g->id;
    o->created_pc = g->created_pc;
    o->n = n;
    memcpy(o->pcs, pcs, n * sizeof o->pcs[0]);
    return o;
}

static void origin_drop(struct origin *o)
{
    if (sub_seq(&o->refs, 1u) == 1)
        free(o);
}

/* The frames of `g`, which runs this, from the one that goes on at `pc` outwards. */
static size_t own_frames(struct g *g, uintptr_t pc, uintptr_t *pcs)
{
    struct context here;
    size_t first = 0;
    arch_keep(&here);
    size_t n = symb_backtrace(&here, false, &g->stack, NULL, pcs, TRACE_FRAMES);
    for (size_t i = 0; i < n; i++)
        if (pcs[i] == pc)
            first = i;
    memmove(pcs, pcs + first, (n - first) * sizeof pcs[0]);
    return n - first;
}

struct ancestor *dump_record_ancestors(struct g *parent, uintptr_t pc, int max)
{
    uintptr_t pcs[TRACE_FRAMES];
    const struct ancestor *old = parent->ancestors;
    uint32_t keep = old != NULL ? old->n : 0;
    if (max <= 0 || parent->id == 0)
        return NULL;
    if (keep > (uint32_t)max - 1)
        keep = (uint32_t)max - 1;
    struct ancestor *a = malloc(sizeof *a + (keep + 1) * sizeof a->of[0]);
    struct origin *o = origin_new(parent, pcs, own_frames(parent, pc, pcs));
    if (a == NULL || o == NULL) {
        free(a);
        free(o);
        return NULL;
    }
    a->n = keep + 1;
    a->of[0] = o;
    for (uint32_t i = 0; i < keep; i++) {
        add_rlx(&old->of[i]->refs, 1u);
        a->of[i + 1] = old->of[i];
    }
    return a;
}

void dump_free_ancestors(struct ancestor *a)
{
    if (a == NULL)
        return;
    for (uint32_t i = 0; i < a->n; i++)
        origin_drop(a->of[i]);
    free(a);
}

static void print_origin_frame(struct out *o, uintptr_t pc, const struct dump_style *style)
{
    struct symb_answer room;
    const struct symb_answer *a = trace_answer(pc, false, style, &room);
    for (size_t i = 0; i < a->n; i++) {
        const struct symb_line *l = &a->line[i];
        enum line_kind kind = trace_line_kind(l, pc, &a->line[a->n - 1]);
        if (l->function == NULL || (style->level < 2 && kind == LINE_HIDDEN))
            continue;
        out_str(o, kind == LINE_PANIC ? "panic" : l->function);
        out_str(o, "(...)\n");
        trace_place(o, l, pc, true);
        out_char(o, '\n');
    }
}

size_t ancestors_count(const struct ancestor *a)
{
    return a != NULL ? a->n : 0;
}

void ancestors_hold(const struct ancestor *a, struct origin **of, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        of[i] = a->of[i];
        add_rlx(&of[i]->refs, 1u);
    }
}

void ancestors_drop(struct origin *const *of, size_t n)
{
    for (size_t i = 0; i < n; i++)
        origin_drop(of[i]);
}

void ancestors_print(struct out *o, struct origin *const *of, size_t n,
                     const struct dump_style *style)
{
    for (size_t i = 0; i < n; i++) {
        const struct origin *from = of[i];
        out_str(o, "[originating from goroutine ");
        out_uint(o, from->id);
        out_str(o, "]:\n");
        for (size_t k = 0; k < from->n; k++)
            print_origin_frame(o, from->pcs[k], style);
        if (from->n == TRACE_FRAMES)
            out_str(o, "...additional frames elided...\n");
        if (from->created_pc != 0 && from->id != 1)
            trace_created_by(o, from->created_pc, style);
    }
}

void dump_ancestors(struct out *o, const struct ancestor *a, const struct dump_style *style)
{
    ancestors_print(o, a->of, a->n, style);
}
