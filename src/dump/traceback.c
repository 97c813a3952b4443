/* traceback.c: one goroutine's frames, walked and printed.
 *
 * Owns    the grammar of a traceback: header, frames, `created by`; which frames a user sees.
 *         Frames and names come from symb; whose turn it is to be printed is goroutines.c.
 * Holds   a frame takes two lines, an inlined call has a frame of its own without an offset. At most
 *         TRACE_FRAMES physical frames are walked, hidden ones included.
 * Locks   none; the caller knows that the goroutine does not run, or runs on this thread.
 */
#include "dump/cgo.h"
#include "dump/dump_int.h"

#include "dump/up.h"

#include <string.h>

#define MINUTE_NS (60 * 1000000000ll)

/* ---- what a user sees */
static bool starts_with(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

static enum line_kind line_kind(const struct symb_line *l, uintptr_t pc,
                                const struct symb_line *physical)
{
    if (!symb_is_runtime(pc, physical))
        return LINE_SHOWN;
    if (l->function == NULL)
        return LINE_HIDDEN;
    if (panic_is_entry(l->function))
        return LINE_PANIC;
    if (strcmp(l->function, "gort_go_start") == 0 || strcmp(l->function, "gort_stack") == 0 ||
        strcmp(l->function, "gort_scope_leave") == 0)
        return LINE_HIDDEN; /* a statement in Go; a function that begins with its caller */
    bool public = starts_with(l->function, "gort_") || l->exported; /* we answer for some of libc */
    return public ? LINE_SHOWN : LINE_HIDDEN;
}

/* Worked out once for each line: `note` is the kind and 1. */
enum line_kind trace_line_kind(const struct symb_line *l, uintptr_t pc,
                               const struct symb_line *physical)
{
    uint32_t note = load_rlx(&l->note);
    if (note == 0) {
        note = (uint32_t)line_kind(l, pc, physical) + 1;
        store_rlx(&((struct symb_line *)(uintptr_t)l)->note, note);
    }
    return (enum line_kind)(note - 1);
}

/* ---- frames */
/* State of printing one stack. */
struct trace {
    struct out *o;
    const struct g *g; /* whose; NULL: nobody's */
    const struct dump_style *style;
    bool all;       /* runtime frames too */
    unsigned shown; /* lines of frames printed */
    unsigned hidden;
    bool in_panic; /* the line before was a `panic` */
    struct cgo_printing foreign;
};

void trace_place(struct out *o, const struct symb_line *l, uintptr_t pc, bool offset)
{
    out_char(o, '\t');
    out_str(o, l->path != NULL ? l->path : "?");
    out_char(o, ':');
    out_int(o, l->line);
    if (offset && l->entry != 0 && pc > l->entry) {
        out_str(o, " +");
        out_hex(o, pc - l->entry);
    }
}

static void print_registers(struct out *o, const struct symb_frame *f)
{
    out_str(o, " fp=");
    out_hex(o, f->cfa);
    out_str(o, " sp=");
    out_hex(o, f->sp);
    out_str(o, " pc=");
    out_hex(o, f->pc);
}

/* The one function whose arguments are known: panic({type, data}). */
static void print_panic_value(struct trace *t, const struct symb_frame *f)
{
    uintptr_t type, data;
    if (t->g == NULL || !panic_value_at(t->g, f->sp, f->cfa, &type, &data))
        return;
    out_char(t->o, '{');
    out_hex(t->o, type);
    out_str(t->o, ", ");
    out_hex(t->o, data);
    out_char(t->o, '}');
}

static void print_call(struct trace *t, struct out *o, const struct symb_frame *f,
                       const struct symb_line *l, enum line_kind kind)
{
    out_str(o, kind == LINE_PANIC ? "panic" : l->function);
    out_char(o, '(');
    if (l->inlined)
        out_str(o, "...");
    else if (kind == LINE_PANIC)
        print_panic_value(t, f);
    out_str(o, ")\n");
    trace_place(o, l, f->pc, !l->inlined);
}

/* The text of a line is the same each time: it is made once, and lives as long as its line. */
static const char *text_of(struct trace *t, const struct symb_frame *f, const struct symb_line *l)
{
    enum { LONGEST = 480 };
    const char *text = load_acq(&l->text); /* pairs with store_rel below */
    char buf[LONGEST];
    struct out o;
    if (text != NULL || sched_is_inside())
        return text;
    out_init_mem(&o, buf, sizeof buf);
    print_call(t, &o, f, l, LINE_SHOWN);
    out_str(&o, "\n");
    out_char(&o, '\0');
    text = o.dropped == 0 ? symb_text(buf) : NULL;
    if (text != NULL)
        store_rel(&((struct symb_line *)(uintptr_t)l)->text, (void *)(uintptr_t)text);
    return text;
}

static void print_line(struct trace *t, const struct symb_frame *f, const struct symb_line *l,
                       enum line_kind kind)
{
    struct out *o = t->o;
    bool registers = t->style->registers || t->style->level >= 2;
    t->shown++;
    if (l->function == NULL) {
        if (t->style->way == SYMB_FULL && cgo_print(o, f->exact ? f->pc : f->pc - 1, &t->foreign))
            return;
        out_str(o, "non-Go function at pc=");
        out_hex(o, f->pc);
        out_char(o, '\n');
        return;
    }
    const char *text = registers || f->exact || kind != LINE_SHOWN ? NULL : text_of(t, f, l);
    if (text != NULL) {
        out_str(o, text);
        return;
    }
    print_call(t, o, f, l, kind);
    if (registers)
        print_registers(o, f);
    out_char(o, '\n');
}

static au32 beat;

uint32_t dump_beat(void)
{
    return load_rlx(&beat) + symb_beat();
}

const struct symb_answer *trace_answer(uintptr_t pc, bool exact, const struct dump_style *style,
                                       struct symb_answer *room)
{
    if (style->way == SYMB_FULL)
        return symb_answer_known(exact ? pc : pc - 1, room);
    room->n = 1;
    room->line[0] = (struct symb_line){.line = 0};
    return room;
}

static void print_frame(struct trace *t, const struct symb_frame *f)
{
    add_rlx(&beat, 1u);
    struct symb_answer room;
    const struct symb_answer *a = trace_answer(f->pc, f->exact, t->style, &room);
    const struct symb_line *lines = a->line;
    size_t n = a->n;
    for (size_t i = 0; i < n; i++) {
        enum line_kind kind = trace_line_kind(&lines[i], f->pc, &lines[n - 1]);
        bool again = t->in_panic && kind != LINE_SHOWN;
        bool show = t->all || kind == LINE_SHOWN || (kind == LINE_PANIC && t->shown > 0 && !again);
        if (!show) {
            t->hidden++;
            continue;
        }
        print_line(t, f, &lines[i], kind);
        t->in_panic = kind == LINE_PANIC;
    }
}

static unsigned print_frames(struct out *o, const struct trace_record *r, const struct g *g,
                             const struct dump_style *style, bool all)
{
    struct trace t = {.o = o, .g = g, .style = style, .all = all};
    const struct trace_stack *s = &r->stack;
    for (size_t i = 0; i < s->n; i++) {
        if (r->is_broken && i + 1 == s->n) /* before the frame that it is about, as in Go */
            broken_print(o, &r->broken, style);
        print_frame(&t, &s->frames[i]);
        out_flush(o);
    }
    if (s->n == TRACE_FRAMES && t.hidden == 0)
        out_str(o, "...additional frames elided...\n");
    cgo_print_end(&t.foreign);
    return t.shown;
}

static void print_stack(struct out *o, const struct trace_record *r, const struct g *g,
                        const struct dump_style *style)
{
    bool all = style->level >= 2 || style->way == SYMB_SAFE;
    if (print_frames(o, r, g, style, all) == 0 && !all)
        print_frames(o, r, g, style, true);
}

/* True if it came to the outermost function, or to as many frames as are told. */
static bool walk(struct trace_stack *s, const struct dump_place *at, const struct stack *own,
                 const struct stack *other)
{
    struct symb_walk w;
    s->n = 0;
    symb_walk_begin(&w, &at->ctx, own, other, at->exact);
    while (s->n < TRACE_FRAMES && symb_walk_next(&w, &s->frames[s->n])) {
        s->n++;
        add_rlx(&beat, 1u);
    }
    return s->n == TRACE_FRAMES || w.steps.whole;
}

/* The walk ended too early, and the program's own functions know no more. */
static void note_broken(struct trace_record *r, struct g *g, const struct dump_place *at,
                        const struct stack *own, const struct stack *other)
{
    struct trace_stack *s = &r->stack;
    r->is_broken = s->n > 0 && broken_take(&r->broken, g, at, own, other);
    if (r->is_broken && s->n > 1 && broken_is_nonsense(&r->broken, s->frames[s->n - 1].pc))
        s->n--;
}

void dump_frames(struct out *o, const struct dump_place *at, const struct stack *own,
                 const struct dump_style *style)
{
    struct trace_record r = {.is_broken = false};
    if (!walk(&r.stack, at, own, NULL))
        note_broken(&r, NULL, at, own, NULL);
    print_stack(o, &r, NULL, style);
}

/* ---- one goroutine */
static bool in_announced_call(struct g *g)
{
    struct m *m = load_rlx(&g->m);
    return m != NULL && load_rlx(&m->curg) == g && load_rlx(&m->announced) != 0;
}

/* By the program, or for good; not for as long as it is stopped in a handler or in a C call. */
static bool is_locked_to_thread(struct g *g)
{
    struct m *m = load_rlx(&g->bound);
    return m != NULL && (g->foreign || m->lock_count > 0);
}

const char *dump_status_text(struct g *g)
{
    enum wait_reason why = (enum wait_reason)load_rlx(&g->wait_reason);
    if (in_announced_call(g))
        return "syscall";
    switch ((enum g_status)load_rlx(&g->status)) {
    case G_IDLE:
        return "idle";
    case G_RUNNABLE:
        return "runnable";
    case G_RUNNING:
        return "running";
    case G_SYSCALL:
        return "syscall";
    case G_WAITING:
        return why != WAIT_NONE ? wait_reason_text(why) : "waiting";
    case G_DEAD:
        return "dead";
    }
    return "???";
}

static int64_t minutes_waited(struct g *g)
{
    uint32_t status = load_rlx(&g->status);
    int64_t since = load_rlx(&g->wait_since);
    if ((status != G_WAITING && status != G_SYSCALL) || since <= 0)
        return 0;
    return (os_nanotime() - since) / MINUTE_NS;
}

static void print_header(struct out *o, const struct trace_header *r)
{
    out_str(o, "goroutine ");
    out_uint(o, r->id);
    out_str(o, " [");
    out_str(o, r->status);
    if (r->leaked)
        out_str(o, " (leaked)");
    if (r->minutes >= 1) {
        out_str(o, ", ");
        out_int(o, r->minutes);
        out_str(o, " minutes");
    }
    if (r->locked)
        out_str(o, ", locked to thread");
    out_str(o, "]:\n");
    out_flush(o); /* what follows may fail, and the failure is printed too */
}

void trace_created_by(struct out *o, uintptr_t pc, const struct dump_style *style)
{
    struct symb_answer room;
    const struct symb_answer *a = trace_answer(pc, false, style, &room);
    const struct symb_line *l = &a->line[0];
    if (l->function == NULL ||
        (style->level < 2 && trace_line_kind(l, pc, &a->line[a->n - 1]) == LINE_HIDDEN))
        return;
    out_str(o, "created by ");
    out_str(o, l->function);
    out_char(o, '\n');
    trace_place(o, l, pc, true);
    out_char(o, '\n');
}

/* The entry alone, of a goroutine that has not run yet. */
static void print_entry(struct out *o, const struct trace_header *r, const struct dump_style *style)
{
    struct symb_frame f = {.pc = r->entry_pc, .sp = r->entry_sp, .exact = true};
    struct symb_answer room;
    struct trace t = {.o = o, .style = style};
    const struct symb_answer *a = trace_answer(f.pc, true, style, &room);
    struct symb_line l = a->line[a->n - 1];
    l.entry = f.pc;
    l.inlined = false;
    print_line(&t, &f, &l, LINE_SHOWN);
}

/* Where `g` was left, if that is known. */
bool trace_resting_place(struct g *g, struct dump_place *at)
{
    const void *sigctx = g->sigctx;
    at->ucontext = sigctx;
    if (sigctx != NULL) {
        arch_ucontext_to_context(sigctx, &at->ctx);
        at->exact = true;
        return true;
    }
    if (load_rlx(&g->status) == G_RUNNING)
        return false;
    at->ctx = g->ctx;
    at->exact = false;
    return true;
}

void trace_take_header(struct trace_header *r, struct g *g)
{
    r->id = g->id;
    r->status = dump_status_text(g);
    r->minutes = minutes_waited(g);
    r->locked = is_locked_to_thread(g);
    r->leaked = g->leaked && load_rlx(&g->status) == G_WAITING;
    r->created_pc = g->id != 1 ? g->created_pc : 0;
    r->entry_pc = (uintptr_t)g->start.fn;
    r->entry_sp = g->stack.hi;
}

/* If the walk through a foreign call ended before it came to the goroutine's own stack, or in code of no module. */
static void complete_stack(struct trace_stack *s, struct g *g, const struct dump_place *at)
{
    uintptr_t pcs[TRACE_FRAMES];
    size_t n = s->n;
    const struct symb_frame *last = n > 0 ? &s->frames[n - 1] : NULL;
    bool own = last != NULL && last->sp >= g->stack.lo && last->sp <= g->stack.hi;
    for (size_t i = 0; i < n; i++)
        pcs[i] = s->frames[i].exact ? s->frames[i].pc + 1 : s->frames[i].pc;
    if (trace_in_foreign_call(g) ? own : !cgo_has_traceback() || !cgo_ends_unknown(pcs, n))
        return;
    s->n = cgo_add(g, at->ucontext, pcs, n, TRACE_FRAMES);
    for (; n < s->n; n++)
        s->frames[n] = (struct symb_frame){.pc = pcs[n]};
}

void trace_take_stack(struct trace_record *r, struct g *g, const struct dump_place *at)
{
    struct m *m = load_rlx(&g->m);
    struct stack own = g->stack;
    struct dump_place rest;
    if (at == NULL && !g->started) {
        r->known = TRACE_ENTRY;
        return;
    }
    if (at == NULL && !trace_resting_place(g, &rest)) {
        r->known = TRACE_NOTHING;
        return;
    }
    if (at == NULL)
        at = &rest;
    if (at->ctx.sp <= own.lo && own.lo - at->ctx.sp < STACK_GUARD_BYTES)
        own.lo = at->ctx.sp - 1; /* an overflow; only the sp itself is down there */
    r->known = TRACE_STACK;
    const struct stack *other = m != NULL ? &m->g0.stack : NULL;
    bool whole = walk(&r->stack, at, &own, other);
    size_t n = r->stack.n;
    complete_stack(&r->stack, g, at);
    r->is_broken = false;
    if (!whole && r->stack.n == n)
        note_broken(r, g, at, &own, other);
}

static void print_nothing(struct out *o)
{
    out_str(o, "\tgoroutine running on other thread; stack unavailable\n");
}

static void print_known(struct out *o, const struct trace_header *h, const struct trace_record *r,
                        const struct g *g, const struct dump_style *style)
{
    switch (r->known) {
    case TRACE_ENTRY:
        print_entry(o, h, style);
        break;
    case TRACE_NOTHING:
        print_nothing(o);
        break;
    case TRACE_STACK:
        print_stack(o, r, g, style);
        break;
    }
    if (h->created_pc != 0)
        trace_created_by(o, h->created_pc, style);
}

static unsigned print_pcs(struct out *o, const struct brief *r, const struct dump_style *style,
                          bool all)
{
    struct trace t = {.o = o, .style = style, .all = all};
    for (size_t i = 0; i < r->n; i++) {
        bool exact = i == 0 && r->exact;
        if (r->is_broken && i + 1u == r->n)
            broken_print(o, brief_broken(r), style);
        print_frame(&t,
                    &(struct symb_frame){.pc = exact ? r->pcs[i] - 1 : r->pcs[i], .exact = exact});
    }
    if (r->n == TRACE_FRAMES && t.hidden == 0)
        out_str(o, "...additional frames elided...\n");
    cgo_print_end(&t.foreign);
    return t.shown;
}

void trace_print(struct out *o, const struct brief *r, const struct dump_style *style)
{
    struct trace_header h = {.id = r->id,
                             .status = r->status,
                             .minutes = r->minutes,
                             .locked = r->locked,
                             .leaked = r->leaked,
                             .entry_pc = r->entry_pc};
    bool all = style->level >= 2 || style->way == SYMB_SAFE;
    print_header(o, &h);
    if (r->known == TRACE_ENTRY)
        print_entry(o, &h, style);
    else if (r->known == TRACE_NOTHING)
        print_nothing(o);
    else if (print_pcs(o, r, style, all) == 0 && !all)
        print_pcs(o, r, style, true);
    if (r->created_pc != 0)
        trace_created_by(o, r->created_pc, style);
    ancestors_print(o, (struct origin *const *)(const void *)(r->pcs + r->n), r->nancestors, style);
    out_flush(o);
}

void dump_goroutine(struct out *o, struct g *g, const struct dump_place *at,
                    const struct dump_style *style)
{
    struct trace_header h;
    struct trace_record r;
    trace_take_header(&h, g);
    print_header(o, &h);
    trace_take_stack(&r, g, at);
    print_known(o, &h, &r, g, style);
    if (g->ancestors != NULL)
        dump_ancestors(o, g->ancestors, style);
    out_flush(o);
}
