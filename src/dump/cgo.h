/* cgo.h: what the program's own functions say of foreign code (gort_set_cgo_traceback). */
#ifndef DUMP_CGO_H
#define DUMP_CGO_H

#include "base/fmt.h"
#include "dump/dump.h"

#include <gort/callers.h>

enum { CGO_LINES = 16, CGO_PCS = 32 };
struct cgo_line {
    const char *function, *file; /* NULL: not known */
    int line;
    uintptr_t entry;
};
struct cgo_lines {
    unsigned n;
    struct cgo_line line[CGO_LINES];
};
bool cgo_has_symbolizer(void);
/* The calls at `pc`, the innermost first; none when the symbolizer knows nothing. Texts live as long as
 * the process. On a goroutine, outside the runtime. */
void cgo_symbolize(uintptr_t pc, struct cgo_lines *lines);
/* Prints them as lines of a traceback; false when nothing is known. `state` begins zeroed, and is the same for
 * one traceback. In a dying program, too. */
struct cgo_printing {
    struct gort_cgo_symbolizer_arg arg;
    bool asked;
};
bool cgo_print(struct out *o, uintptr_t pc, struct cgo_printing *state);
/* The last call for one traceback. */
void cgo_print_end(struct cgo_printing *state);

/* As symb_lines, with all libraries; but of a pc that no module has a function for the program's symbolizer is
 * asked. Where that may be called: outside the runtime, on a thread of the runtime's, while dying. */
size_t cgo_lines(uintptr_t at, bool exact, struct symb_line *lines, size_t max);

/* ---- stacks: in all of these pcs[0, n) is what our own walk found, as return addresses, with nothing left out
 * at its outer end but the runtime's own frames. `g` is whose, NULL: of a thread that is not ours; `ucontext` is
 * the signal's, when the caller is a handler that was called there, else NULL. SIGSAFE, as far as the
 * program's function is. */
extern aptr cgo_traceback_fn; /* atomic; set once, by gort_set_cgo_traceback */
static inline bool cgo_has_traceback(void)
{
    return load_acq(&cgo_traceback_fn) != NULL; /* pairs with gort_set_cgo_traceback */
}
/* Can a walk of this stack fall short at all? Mostly not, which is seen by two words. */
static inline bool cgo_matters(const struct g *g)
{
    return cgo_has_traceback() || (g != NULL && load_rlx(&g->cgo_sp) != 0);
}
/* In pcs[n, max), if the walk has not come to the end of the stack: what the program's traceback function knows,
 * and, in a foreign call, the goroutine's own stack. Returns how many there are then. */
SIGSAFE size_t cgo_complete_slow(const struct g *g, const void *ucontext, uintptr_t *pcs, size_t n,
                                 size_t max);
static inline size_t cgo_complete(const struct g *g, const void *ucontext, uintptr_t *pcs, size_t n,
                                  size_t max)
{
    return cgo_matters(g) ? cgo_complete_slow(g, ucontext, pcs, n, max) : n;
}
/* The same for who knows that it has not. */
SIGSAFE size_t cgo_add(const struct g *g, const void *ucontext, uintptr_t *pcs, size_t n,
                       size_t max);
SIGSAFE bool cgo_ends_unknown(const uintptr_t *pcs, size_t n);
/* symb_backtrace_here of the running goroutine, complete. The caller is inside the runtime. */
static inline __attribute__((always_inline)) size_t cgo_backtrace_here(struct m *m, bool keep_entry,
                                                                       uintptr_t *pcs, size_t max)
{
    const struct g *g = m_curg(m);
    size_t n = symb_backtrace_here(&g->stack, &m->g0.stack, keep_entry, pcs, max);
    return cgo_complete(g, NULL, pcs, n, max);
}

#endif
