/* callers.c: the calling goroutine's own stack, for the program.
 *
 * Owns    gort_callers and gort_caller: which of the stack's frames are told, and skipping logical ones.
 *         What a pc means, is frames.c.
 * Holds   1. A frame of the stack has one pc in the result. If the calls to skip end among those that were
 *            inlined into one frame, a marker follows its pc (symb_skip_marker), as in Go since 1.12.
 *         2. The runtime's own frames at the outer end are not told: a stack ends with the goroutine's function.
 * Locks   none while walking. Skipping two calls and more asks names.c how many calls a frame stands for, which
 *         reads files the first time.
 */
#include "gort/callers.h"

#include "dump/cgo.h"

static unsigned calls_of(uintptr_t ret)
{
    struct symb_answer room;
    uintptr_t pc;
    return symb_answer_return(ret, &pc, &room)->n;
}

/* ---- walking */
/* At the caller of a function of this file: its frame record and its CFA. True if there may be more than the walk
 * finds. */
static inline bool begin(struct symb_steps *w, const uintptr_t *record, void *cfa)
{
    struct m *m = m_enter();
    symb_steps_caller(w, record, (uintptr_t)cfa, &m_curg(m)->stack, &m->g0.stack);
    bool foreign = cgo_matters(m_curg(m));
    m_leave(m);
    return foreign;
}

/* What a walk through foreign calls could not find. */
static COLD size_t complete(uintptr_t *pcs, size_t n, size_t max)
{
    struct m *m = m_enter();
    n = cgo_complete(m_curg(m), NULL, pcs, n, max);
    m_leave(m);
    return n;
}

/* Goes over `skip` calls. Returns the pc of the frame where that ends, and how many of its innermost calls
 * are still to be dropped; 0 at the end of the stack. */
static uintptr_t skip_calls(struct symb_steps *w, unsigned skip, unsigned *drop)
{
    uintptr_t pc;
    *drop = 0;
    while (symb_steps_run(w, &pc, 1) == 1) {
        unsigned calls = skip == 0 ? 1 : calls_of(pc);
        if (skip < calls) {
            *drop = skip;
            return pc;
        }
        skip -= calls;
    }
    return 0;
}

/* Is the frame with `pc`, which `w` is just behind, one of the runtime's at the outer end? */
static bool is_outside(struct symb_steps *w, uintptr_t pc)
{
    return symb_steps_trim(w, &pc, 1, true) == 0;
}

static NOINLINE int callers_behind(const uintptr_t *record, void *cfa, unsigned skip,
                                   uintptr_t *pcs, size_t max)
{
    struct symb_steps w;
    unsigned drop;
    size_t n = 0;
    bool foreign = begin(&w, record, cfa);
    symb_look();
    uintptr_t first = skip_calls(&w, skip, &drop);
    if (first == 0 || max == 0)
        return 0;
    pcs[n++] = first;
    if (drop != 0 && n < max)
        pcs[n++] = symb_skip_marker(drop < SYMB_SKIP_MAX ? drop : SYMB_SKIP_MAX - 1);
    size_t more = symb_steps_run(&w, pcs + n, max - n);
    more = symb_steps_trim(&w, pcs + n, more, true);
    if (more == 0 && is_outside(&w, first))
        return 0;
    n += more;
    return (int)(foreign ? complete(pcs, n, max) : n);
}

/* The running thread, as m_enter would find it. Where its stacks lie may be read without a bracket: a goroutine
 * that is stopped outside of one goes on on the same thread. */
static inline struct m *this_thread(void)
{
    struct m *m = self();
    if (unlikely(load_acq(&m->attention) != 0)) {
        m_leave(m_enter());
        m = self();
    }
    return m;
}

/* Begins at once, and in one piece: a compiler that may split off a part would give that a frame. */
FRAME_OF_ITS_OWN int gort_callers(int skip, uintptr_t *pcs, int n)
{
    const uintptr_t *record = __builtin_frame_address(0);
    size_t max = pcs != NULL && n > 0 ? (size_t)n : 0, k = 0;
    if (unlikely(skip > 1))
        return callers_behind(record, __builtin_dwarf_cfa(), (unsigned)skip - 1, pcs, max);
    if (skip <= 0 && max > 0)
        pcs[k++] = (uintptr_t)gort_callers + 1;
    struct m *m = this_thread();
    const struct g *g = m_curg(m);
    k += symb_callers(record, (uintptr_t)__builtin_dwarf_cfa(), &g->stack, &m->g0.stack, pcs + k,
                      max - k);
    return (int)(unlikely(cgo_matters(g)) ? complete(pcs, k, max) : k);
}

/* ---- one caller */
FRAME_OF_ITS_OWN bool gort_caller(int skip, uintptr_t *pc, const char **file, int *line)
{
    struct symb_steps w;
    struct symb_answer room;
    unsigned drop = 0;
    uintptr_t ret = (uintptr_t)gort_caller + 1, at = 0;
    (void)begin(&w, __builtin_frame_address(0), __builtin_dwarf_cfa());
    symb_look();
    if (skip >= 0) {
        ret = skip_calls(&w, (unsigned)skip, &drop);
        if (ret != 0 && is_outside(&w, ret))
            ret = 0;
    }
    struct symb_line l = {.path = NULL};
    if (ret != 0) {
        const struct symb_answer *a = symb_answer_return(ret, &at, &room);
        l = a->line[drop < a->n ? drop : 0];
    }
    if (pc != NULL)
        *pc = at;
    if (file != NULL)
        *file = l.path != NULL ? l.path : "";
    if (line != NULL)
        *line = l.line;
    return ret != 0;
}
