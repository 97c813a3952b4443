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

/* In pcs[n, max): what is missing of the stack of `g`, which is in a foreign call and was walked from `at`, when
 * the walk ended before the goroutine's own stack: what the program's traceback function knows, then
 * that stack. All as return addresses. Returns how many there are then. */
size_t cgo_complete(struct g *g, const struct dump_place *at, uintptr_t *pcs, size_t n, size_t max);

#endif
