/* frames.c: what pcs mean, for programs: runtime.CallersFrames, runtime.FuncForPC.
 *
 * Owns    struct gort_frames, on the collected heap, with one frame ready in advance: Next says whether
 *         there is another one.
 * Holds   what symb.h answers lives as long as the process; gort_func is its struct symb_func.
 * Locks   none for what was asked before.
 */
#include "dump/cgo.h"
#include "dump/dump_int.h"
#include "dump/up.h"

#include <gort/callers.h>
#include <gort/mem.h>

struct gort_frames {
    const uintptr_t *pcs;
    int n, at;     /* pcs[at] is the next to tell */
    unsigned line; /* its logical calls that have been told */
    bool more;     /* `next` is there */
    gort_frame next;
    /* What is known of pcs[at], and the pc that this is about; NULL: not asked, or too much was. */
    const struct symb_answer *known;
    uintptr_t pc;
    struct cgo_lines *foreign; /* what the program's symbolizer said of pcs[at]; NULL: not asked */
};

static const char *or_empty(const char *s)
{
    return s != NULL ? s : "";
}

static const gort_func *func_of(const struct symb_func *f)
{
    return (const gort_func *)f;
}

static const struct symb_func *symb_of(const gort_func *f)
{
    return (const struct symb_func *)f;
}

/* The logical calls of pcs[at] that its list leaves out. */
static unsigned skipped(const gort_frames *f)
{
    unsigned drop = 0;
    if (f->at + 1 < f->n)
        (void)symb_is_skip_marker(f->pcs[f->at + 1], &drop);
    return drop;
}

static void next_pc(gort_frames *f)
{
    f->at++;
    f->line = 0;
    f->known = NULL;
    f->foreign = NULL;
}

static const struct symb_answer *answer_of(gort_frames *f, struct symb_answer *room)
{
    if (f->known != NULL)
        return f->known;
    const struct symb_answer *a = symb_answer_return(f->pcs[f->at], &f->pc, room);
    f->known = a != room ? a : NULL;
    return a;
}

/* The next call that the program's symbolizer knows of a pc that we do not know. */
static bool next_foreign(gort_frames *f)
{
    if (f->foreign == NULL) {
        f->foreign = cgo_has_symbolizer() ? gort_alloc(sizeof *f->foreign) : NULL;
        if (f->foreign != NULL)
            cgo_symbolize(f->pc, f->foreign);
    }
    if (f->foreign == NULL || f->line >= f->foreign->n)
        return false;
    const struct cgo_line *l = &f->foreign->line[f->line++];
    f->next = (gort_frame){.pc = f->pc,
                           .function = or_empty(l->function),
                           .file = or_empty(l->file),
                           .line = l->line,
                           .entry = l->entry};
    return true;
}

static bool next_line(gort_frames *f)
{
    struct symb_answer room;
    const struct symb_answer *a = answer_of(f, &room);
    if (a->line[0].function == NULL && a->n == 1)
        return next_foreign(f);
    if (f->line == 0)
        f->line = skipped(f);
    if (f->line >= a->n)
        return false;
    const struct symb_line *l = &a->line[f->line++];
    f->next = (gort_frame){.pc = f->pc,
                           .func = l->inlined ? NULL : func_of(l->func),
                           .function = or_empty(l->function),
                           .file = or_empty(l->path),
                           .line = l->line,
                           .entry = l->entry};
    return true;
}

/* Makes `next` ready. */
static void find_next(gort_frames *f)
{
    unsigned drop;
    f->more = false;
    for (; f->at < f->n; next_pc(f)) {
        if (symb_is_skip_marker(f->pcs[f->at], &drop) || !next_line(f))
            continue;
        f->more = true;
        return;
    }
}

gort_frames *gort_callers_frames(const uintptr_t *pcs, int n)
{
    gort_frames *f = gort_alloc(sizeof *f);
    f->pcs = pcs;
    f->n = n > 0 && pcs != NULL ? n : 0;
    symb_look();
    find_next(f);
    return f;
}

bool gort_frames_next(gort_frames *f, gort_frame *out)
{
    if (!f->more) {
        *out = (gort_frame){.function = "", .file = ""};
        return false;
    }
    *out = f->next;
    find_next(f);
    return f->more;
}

/* ---- functions */
const gort_func *gort_func_for_pc(uintptr_t pc)
{
    struct symb_answer room;
    return func_of(symb_answer(pc, &room)->line[0].func);
}

const char *gort_func_name(const gort_func *f)
{
    return f != NULL ? symb_of(f)->name : "";
}

uintptr_t gort_func_entry(const gort_func *f)
{
    if (f == NULL)
        panic_nil();
    return symb_of(f)->entry;
}

void gort_func_file_line(const gort_func *f, uintptr_t pc, const char **file, int *line)
{
    struct symb_answer room;
    if (f == NULL)
        panic_nil();
    const struct symb_answer *a = symb_answer(pc, &room);
    bool its = a->line[a->n - 1].entry == symb_of(f)->entry;
    if (file != NULL)
        *file = its ? or_empty(a->line[0].path) : "?";
    if (line != NULL)
        *line = its ? a->line[0].line : 0;
}
