/* callers.c: the calling goroutine's own stack, for the program.
 *
 * Owns    gort_callers and gort_caller: which of the stack's frames are told, and skipping logical ones.
 *         What a pc means, is frames.c.
 * Holds   1. A frame of the stack has one pc in the result. If the calls to skip end among those that were
 *            inlined into one frame, a marker follows its pc (symb_skip_marker), as in Go since 1.12.
 *         2. The runtime's own frames at the outer end are not told: a stack ends with the goroutine's function.
 * Locks   none while walking. Skipping two calls and more asks how many calls a frame stands for, which reads
 *         files the first time.
 */
#include "gort/callers.h"

#include "dump/dump.h"
#include "mem/mem.h"

#include <gort/go.h>

#include <string.h>

/* ---- how many calls are one frame */
enum { LINES = 24, COUNT_BITS = 8, COUNT_PLACES = 1024 };

/* The pc and the count in one word, so that threads and handlers read whole ones. */
static au64 counts[COUNT_PLACES];

static au64 *place_of(uintptr_t ret)
{
    return &counts[(ret ^ ret >> 10 ^ ret >> 20) % COUNT_PLACES];
}

struct question {
    uintptr_t ret;
    struct symb_line line[LINES];
    size_t n;
};

static void ask(void *question)
{
    struct question *q = question;
    q->n = symb_lines(q->ret, false, SYMB_FULL, q->line, LINES);
}

/* Reading files wants more stack than a goroutine may have left. */
static void ask_on_thread(struct question *q, uintptr_t ret)
{
    q->ret = ret;
    gort_cgocall(ask, q);
}

static unsigned calls_of(uintptr_t ret)
{
    au64 *place = place_of(ret);
    uint64_t have = load_rlx(place);
    struct question q;
    if (have >> COUNT_BITS == ret)
        return (unsigned)(have & ((1u << COUNT_BITS) - 1));
    ask_on_thread(&q, ret);
    if (symb_stays(ret - 1))
        store_rlx(place, (uint64_t)ret << COUNT_BITS | q.n);
    return (unsigned)q.n;
}

/* ---- walking */
/* At the caller of a function of this file: its frame record and its CFA. */
static inline void begin(struct symb_steps *w, const uintptr_t *record, void *cfa)
{
    struct m *m = m_enter();
    symb_steps_caller(w, record, (uintptr_t)cfa, &m_curg(m)->stack, &m->g0.stack);
    m_leave(m);
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

static int callers_behind(struct symb_steps *w, unsigned skip, uintptr_t *pcs, size_t max)
{
    unsigned drop;
    size_t n = 0;
    uintptr_t first = skip_calls(w, skip, &drop);
    if (first == 0 || max == 0)
        return 0;
    pcs[n++] = first;
    if (drop != 0 && n < max)
        pcs[n++] = symb_skip_marker(drop < SYMB_SKIP_MAX ? drop : SYMB_SKIP_MAX - 1);
    size_t more = symb_steps_run(w, pcs + n, max - n);
    more = symb_steps_trim(w, pcs + n, more, true);
    if (more == 0 && is_outside(w, first))
        return 0;
    return (int)(n + more);
}

/* Begins at once, and in one piece: a compiler that may split off a part would give that a frame. */
FRAME_OF_ITS_OWN int gort_callers(int skip, uintptr_t *pcs, int n)
{
    struct symb_steps w;
    size_t max = pcs != NULL && n > 0 ? (size_t)n : 0, k = 0;
    begin(&w, __builtin_frame_address(0), __builtin_dwarf_cfa());
    if (skip > 1)
        return callers_behind(&w, (unsigned)skip - 1, pcs, max);
    if (skip <= 0 && max > 0)
        pcs[k++] = (uintptr_t)gort_callers + 1;
    size_t more = symb_steps_run(&w, pcs + k, max - k);
    return (int)(k + symb_steps_trim(&w, pcs + k, more, true));
}

/* ---- one caller */
/* Directories and files that were joined, each once. When it is full, relative names have to do. */
enum { PATHS = 1024 };
struct path {
    const char *dir, *file; /* texts of symb: the same pointers each time */
    char text[];
};
static aptr paths[PATHS];

static struct path *join(const char *dir, const char *file)
{
    size_t n = strlen(dir), k = strlen(file);
    struct path *p = persist_alloc(sizeof *p + n + k + 2, sizeof p);
    p->dir = dir;
    p->file = file;
    memcpy(p->text, dir, n);
    p->text[n] = '/';
    memcpy(p->text + n + 1, file, k + 1);
    return p;
}

/* Directory and file of a line in one text, which lives as long as the process. */
static const char *path_of(const struct symb_line *l)
{
    if (l->file == NULL)
        return "";
    if (l->file[0] == '/' || l->dir == NULL)
        return l->file;
    size_t at = ((uintptr_t)l->file >> 4 ^ (uintptr_t)l->dir >> 3) % PATHS;
    struct path *made = NULL;
    for (size_t i = 0; i < PATHS; i++) {
        aptr *place = &paths[(at + i) % PATHS];
        struct path *p = load_acq(place); /* pairs with cas_rel below */
        if (p == NULL && made == NULL)
            made = join(l->dir, l->file);
        if (p == NULL && cas_rel(place, NULL, made))
            return made->text;
        p = load_acq(place);
        if (p->dir == l->dir && p->file == l->file)
            return p->text;
    }
    return l->file;
}

FRAME_OF_ITS_OWN bool gort_caller(int skip, uintptr_t *pc, const char **file, int *line)
{
    struct symb_steps w;
    struct question q;
    unsigned drop = 0;
    uintptr_t ret = (uintptr_t)gort_caller + 1;
    begin(&w, __builtin_frame_address(0), __builtin_dwarf_cfa());
    if (skip >= 0) {
        ret = skip_calls(&w, (unsigned)skip, &drop);
        if (ret != 0 && is_outside(&w, ret))
            ret = 0;
    }
    q.line[0] = (struct symb_line){.file = NULL};
    q.n = 0;
    if (ret != 0 && (file != NULL || line != NULL))
        ask_on_thread(&q, ret);
    const struct symb_line *l = &q.line[drop < q.n ? drop : 0];
    if (pc != NULL)
        *pc = ret != 0 ? ret - 1 : 0;
    if (file != NULL)
        *file = ret != 0 ? path_of(l) : "";
    if (line != NULL)
        *line = ret != 0 ? l->line : 0;
    return ret != 0;
}
