/* cgo.c: the program's own functions that know foreign code: runtime.SetCgoTraceback.
 *
 * Owns    the three functions. In C everything is foreign and yet known: our own unwinder walks through
 *         C functions and the files say their names. What remains for these functions is code that no
 *         file describes, such as a JIT compiler's.
 *
 *         symbolizer   is asked of each pc that no loaded module has a name for, when it is to be shown: in a
 *                      traceback, as a frame, in a profile or a trace that is being written.
 *         traceback    is asked when our own walk does not get through a foreign call (gort_cgocall) to the
 *                      goroutine's stack, or ends in code of no module: by tracebacks, gort_callers, and
 *                      whoever takes a stack for a profile or a trace; by SIGPROF's handler, too.
 *         context      is asked when a foreign call calls back and waits there: other threads may want
 *                      that stack meanwhile. Also when a thread of the program's own waits.
 * Holds   1. The traceback function gets no context only on the thread whose stack it is; and a signal's
 *            context only in the handler that came there.
 *         2. What it finds is a number of pcs, whatever they are: at most CGO_PCS. What the symbolizer says is cut
 *            to CGO_LINES calls of texts of at most TEXT_BYTES.
 * Locks   none; the functions are set once.
 * Instead of asking for each stack of a foreign call, as Go does, which can walk no C code: our own walk is
 *         surer than a function that is not used elsewhere, and it costs no call.
 */
#include "dump/cgo.h"

#include "dump/up.h"
#include "sched/up.h"

#include <gort/callers.h>
#include <gort/go.h>
#include <stdint.h>
#include <string.h>

aptr cgo_traceback_fn;
static aptr context_fn, symbolizer_fn;

static bool other(aptr *old, void *new)
{
    return load_acq(old) != NULL && load_acq(old) != new; /* pairs with gort_set_cgo_traceback */
}

void gort_set_cgo_traceback(int version, void *traceback, void *context, void *symbolizer)
{
    if (version != 0)
        panic_string("unsupported version");
    if (other(&cgo_traceback_fn, traceback) || other(&context_fn, context) ||
        other(&symbolizer_fn, symbolizer))
        panic_string("call SetCgoTraceback only once");
    store_rel(&cgo_traceback_fn, traceback);
    store_rel(&context_fn, context);
    store_rel(&symbolizer_fn, symbolizer);
}

/* As documented: without the traceback function the symbolizer is never called. */
bool cgo_has_symbolizer(void)
{
    return load_acq(&symbolizer_fn) != NULL && load_acq(&cgo_traceback_fn) != NULL;
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

/* ---- what it says is not to be trusted far */
enum { TEXT_BYTES = 1000 };

static void put_text(struct out *o, const char *s)
{
    for (size_t i = 0; i < TEXT_BYTES && s[i] != '\0'; i++)
        out_char(o, (unsigned char)s[i] < ' ' ? '?' : s[i]);
}

static int line_of(const struct gort_cgo_symbolizer_arg *arg)
{
    return arg->lineno <= INT32_MAX ? (int)arg->lineno : 0;
}

/* Outside the runtime the symbolizer gets the thread's stack; a dying program, and a thread of the runtime's,
 * is there already. */
static void call_it(void (*fn)(void *), void *arg)
{
    if (sched_is_inside())
        fn(arg);
    else
        gort_cgocall(fn, arg);
}

/* ---- for programs, profiles and traces */
struct request {
    uintptr_t pc;
    struct cgo_lines *lines;
};

static const char *kept(const char *s)
{
    char text[TEXT_BYTES + 1];
    struct out o;
    if (s == NULL)
        return NULL;
    out_init_mem(&o, text, TEXT_BYTES);
    put_text(&o, s);
    text[o.len] = '\0';
    return symb_text(text);
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
                                                          .line = line_of(&arg),
                                                          .entry = arg.entry};
    } while (arg.more != 0 && r->lines->n < CGO_LINES);
    arg.pc = 0;
    ask(&arg);
}

void cgo_symbolize(uintptr_t pc, struct cgo_lines *lines)
{
    struct request r = {.pc = pc, .lines = lines};
    lines->n = 0;
    call_it(symbolize, &r);
}

/* A place without a function is not shown, and what is known of it neither. */
static const char *or_unknown(const char *function)
{
    return function != NULL ? function : "non-Go function";
}

size_t cgo_lines(uintptr_t at, bool exact, struct symb_line *lines, size_t max)
{
    struct cgo_lines said;
    size_t n = symb_lines(at, exact, SYMB_FULL, lines, max);
    if (n > 1 || lines[0].function != NULL || !cgo_has_symbolizer())
        return n;
    cgo_symbolize(exact ? at : at - 1, &said);
    for (n = 0; n < said.n && n < max; n++)
        lines[n] = (struct symb_line){.function = or_unknown(said.line[n].function),
                                      .path = said.line[n].file,
                                      .line = said.line[n].line,
                                      .entry = said.line[n].entry,
                                      .inlined = n + 1 < said.n};
    return n > 0 ? n : 1;
}

/* ---- for tracebacks */
static void print_line(struct out *o, const struct gort_cgo_symbolizer_arg *arg)
{
    put_text(o, or_unknown(arg->func));
    out_str(o, "\n\t");
    if (arg->file != NULL) {
        put_text(o, arg->file);
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

bool cgo_print(struct out *o, uintptr_t pc, struct cgo_printing *state)
{
    struct print_request r = {.o = o, .arg = &state->arg};
    if (!cgo_has_symbolizer())
        return false;
    state->arg.pc = pc; /* all else is as the last call left it, as documented */
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

/* The program's function, which is to be as safe as we are. */
static NOINLINE void call_traceback(struct gort_cgo_traceback_arg *arg)
{
    void (*fn)(struct gort_cgo_traceback_arg *);
    void *p = load_acq(&cgo_traceback_fn);
    memcpy(&fn, &p, sizeof fn);
    fn(arg);
}

/* Up to CGO_PCS pcs, each in its call, from the program's traceback function. */
static size_t foreign_pcs(const struct g *g, const void *ucontext, uintptr_t *pcs)
{
    uintptr_t buf[CGO_PCS] = {0}, context = g != NULL ? g->cgo_context : 0;
    bool here = g == NULL || m_curg(self()) == g; /* else only a context says where it is */
    struct gort_cgo_traceback_arg arg = {.context = context,
                                         .sig_context = here ? (uintptr_t)ucontext : 0,
                                         .buf = buf,
                                         .max = CGO_PCS};
    size_t n = 0;
    if (!cgo_has_traceback() || (context == 0 && !here))
        return 0;
    call_traceback(&arg);
    while (n < CGO_PCS && buf[n] != 0 && buf[n] != UINTPTR_MAX)
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

/* Not of a thread of the program's, whose stack is one with that of its calls. */
static bool in_call(const struct g *g)
{
    return g != NULL && load_acq(&g->cgo_sp) != 0; /* pairs with gort_cgocall */
}

static size_t own_pcs(const struct g *g, uintptr_t *pcs, size_t max)
{
    return in_call(g) ? symb_backtrace(g->cgo_at, false, &g->stack, NULL, pcs, max) : 0;
}

size_t cgo_add(const struct g *g, const void *ucontext, uintptr_t *pcs, size_t n, size_t max)
{
    uintptr_t foreign[CGO_PCS];
    size_t k = without_known(pcs, n, foreign, foreign_pcs(g, ucontext, foreign));
    for (size_t i = 0; i < k && n < max; i++)
        pcs[n++] = foreign[i] + 1;
    return n + own_pcs(g, pcs + n, max - n);
}

bool cgo_ends_unknown(const uintptr_t *pcs, size_t n)
{
    return n == 0 || !symb_has_tables(pcs[n - 1] - 1);
}

/* Does the stack of a foreign call end where the goroutine's own does? */
static bool is_whole(const struct g *g, const uintptr_t *pcs, size_t n)
{
    enum { OWN = 128 };
    uintptr_t own[OWN];
    size_t k = own_pcs(g, own, OWN), i = n;
    if (k == 0 || symb_in_own_text(own[k - 1] - 1)) /* nobody of the program */
        return true;
    if (k < OWN)
        return n > 0 && pcs[n - 1] == own[k - 1];
    while (i > 0 && pcs[i - 1] != own[k - 1])
        i--;
    return i > 0;
}

size_t cgo_complete_slow(const struct g *g, const void *ucontext, uintptr_t *pcs, size_t n,
                         size_t max)
{
    bool whole;
    if (n >= max)
        return n;
    if (in_call(g))
        whole = is_whole(g, pcs, n);
    else
        whole = !cgo_has_traceback() || !cgo_ends_unknown(pcs, n);
    return whole ? n : cgo_add(g, ucontext, pcs, n, max);
}
