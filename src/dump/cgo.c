/* cgo.c: the program's own functions that know foreign code: runtime.SetCgoTraceback.
 *
 * Owns    the three functions. In C everything is foreign and yet known: our own unwinder walks through
 *         C functions and the files say their names. What remains for these functions is code that no
 *         file describes, such as a JIT compiler's.
 *
 *         symbolizer   is asked of each pc that no loaded module has a name for.
 *         traceback    is asked for the frames of a foreign call (gort_cgocall) when our own walk does not get
 *                      through them to the goroutine's stack.
 *         context      is asked when a foreign call calls back and waits there: other threads may want
 *                      that stack meanwhile.
 * Locks   none; the functions are set once.
 */
#include "dump/cgo.h"

#include "dump/up.h"
#include "sched/up.h"

#include <gort/callers.h>
#include <gort/go.h>
#include <string.h>

static aptr traceback_fn, context_fn, symbolizer_fn;

static bool other(aptr *old, void *new)
{
    return load_acq(old) != NULL && load_acq(old) != new; /* pairs with gort_set_cgo_traceback */
}

void gort_set_cgo_traceback(int version, void *traceback, void *context, void *symbolizer)
{
    if (version != 0)
        panic_string("unsupported version");
    if (other(&traceback_fn, traceback) || other(&context_fn, context) ||
        other(&symbolizer_fn, symbolizer))
        panic_string("call SetCgoTraceback only once");
    store_rel(&traceback_fn, traceback);
    store_rel(&context_fn, context);
    store_rel(&symbolizer_fn, symbolizer);
}

/* As documented: without the traceback function the symbolizer is never called. */
bool cgo_has_symbolizer(void)
{
    return load_acq(&symbolizer_fn) != NULL && load_acq(&traceback_fn) != NULL;
}

static void ask(struct gort_cgo_symbolizer_arg *arg)
{
    void (*fn)(struct gort_cgo_symbolizer_arg *);
    void *p = load_acq(&symbolizer_fn);
    memcpy(&fn, &p, sizeof fn);
    fn(arg);
}

static bool knows(const struct gort_cgo_symbolizer_arg *arg)
{
    return arg->func != NULL || arg->file != NULL;
}

/* ---- for programs */
struct request {
    uintptr_t pc;
    struct cgo_lines *lines;
};

static const char *kept(const char *s)
{
    return s != NULL ? symb_text(s) : NULL;
}

static void symbolize(void *request)
{
    struct request *r = request;
    struct gort_cgo_symbolizer_arg arg = {.pc = r->pc};
    do {
        ask(&arg);
        if (!knows(&arg))
            break;
        r->lines->line[r->lines->n++] = (struct cgo_line){.function = kept(arg.func),
                                                          .file = kept(arg.file),
                                                          .line = (int)arg.lineno,
                                                          .entry = arg.entry};
    } while (arg.more != 0 && r->lines->n < CGO_LINES);
    arg.pc = 0;
    ask(&arg);
}

void cgo_symbolize(uintptr_t pc, struct cgo_lines *lines)
{
    struct request r = {.pc = pc, .lines = lines};
    lines->n = 0;
    gort_cgocall(symbolize, &r); /* it may want a large stack */
}

/* ---- for tracebacks */
static void print_line(struct out *o, const struct gort_cgo_symbolizer_arg *arg)
{
    out_str(o, arg->func != NULL ? arg->func : "non-Go function");
    out_str(o, "\n\t");
    if (arg->file != NULL) {
        out_str(o, arg->file);
        out_char(o, ':');
        out_uint(o, arg->lineno);
        out_char(o, ' ');
    }
    out_str(o, "pc=");
    out_hex(o, arg->pc);
    out_char(o, '\n');
}

struct print_request {
    struct out *o;
    struct gort_cgo_symbolizer_arg *arg;
    bool known;
};

static void print_lines(void *request)
{
    struct print_request *r = request;
    unsigned n = 0;
    do {
        ask(r->arg);
        if (!knows(r->arg))
            return;
        r->known = true;
        print_line(r->o, r->arg);
    } while (r->arg->more != 0 && ++n < CGO_LINES);
}

static void ask_once(void *arg)
{
    ask(arg);
}

/* Outside the runtime the symbolizer gets the thread's stack; a dying program is there already. */
static void call_it(void (*fn)(void *), void *arg)
{
    if (sched_is_inside())
        fn(arg);
    else
        gort_cgocall(fn, arg);
}

bool cgo_print(struct out *o, uintptr_t pc, struct cgo_printing *state)
{
    struct print_request r = {.o = o, .arg = &state->arg};
    if (!cgo_has_symbolizer())
        return false;
    state->arg = (struct gort_cgo_symbolizer_arg){.pc = pc, .data = state->arg.data};
    state->asked = true;
    call_it(print_lines, &r);
    return r.known;
}

void cgo_print_end(struct cgo_printing *state)
{
    if (!state->asked)
        return;
    state->arg.pc = 0;
    state->asked = false;
    call_it(ask_once, &state->arg);
}

/* ---- frames of foreign calls */
static uintptr_t call_context(uintptr_t context)
{
    struct gort_cgo_context_arg arg = {.context = context};
    void (*fn)(struct gort_cgo_context_arg *);
    void *p = load_acq(&context_fn);
    memcpy(&fn, &p, sizeof fn);
    fn(&arg);
    return arg.context;
}

void dump_cgo_waits(struct g *g)
{
    if (load_acq(&context_fn) != NULL)
        g->cgo_context = call_context(0);
}

void dump_cgo_goes_on(struct g *g)
{
    if (g->cgo_context != 0)
        (void)call_context(g->cgo_context);
    g->cgo_context = 0;
}

/* Up to `max` pcs, each in its call, from the program's traceback function. */
static size_t foreign_pcs(struct g *g, const struct dump_place *at, uintptr_t *pcs, size_t max)
{
    uintptr_t buf[CGO_PCS] = {0};
    struct gort_cgo_traceback_arg arg = {.context = g->cgo_context,
                                         .sig_context = (uintptr_t)at->ucontext,
                                         .buf = buf,
                                         .max = CGO_PCS};
    void (*fn)(struct gort_cgo_traceback_arg *);
    void *p = load_acq(&traceback_fn);
    size_t n = 0;
    bool here = m_curg(self()) == g; /* else only a context says where it is */
    if (p == NULL || (g->cgo_context == 0 && !here))
        return 0;
    memcpy(&fn, &p, sizeof fn);
    fn(&arg);
    while (n < CGO_PCS && n < max && buf[n] != 0)
        n++;
    memcpy(pcs, buf, n * sizeof buf[0]);
    return n;
}

/* Leaves out what the walk found, too: an address in the call that returns to a known one. */
enum { CALL_BYTES_MAX = 15 };
static size_t without_known(const uintptr_t *known, size_t nknown, uintptr_t *pcs, size_t n)
{
    size_t first = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < nknown; k++)
            if (known[k] - pcs[i] <= CALL_BYTES_MAX)
                first = i + 1;
    memmove(pcs, pcs + first, (n - first) * sizeof pcs[0]);
    return n - first;
}

size_t cgo_complete(struct g *g, const struct dump_place *at, uintptr_t *pcs, size_t n, size_t max)
{
    uintptr_t foreign[CGO_PCS];
    size_t k = foreign_pcs(g, at, foreign, CGO_PCS);
    k = without_known(pcs, n, foreign, k);
    for (size_t i = 0; i < k && n < max; i++)
        pcs[n++] = foreign[i] + 1;
    if (g->cgo_at != NULL && n < max)
        n += symb_backtrace(g->cgo_at, false, &g->stack, NULL, pcs + n, max - n);
    return n;
}
