/* unwind.c: frames of a suspended stack.
 *
 * Owns    walking from a `struct context` outwards, by libunwind's local unwinder or by our own
 *         (backtrace.c).
 * Holds   1. every frame's sp lies in one of the walk's stacks;
 *         2. within one stack sp only grows, so that a walk ends; but a function that was interrupted may
 *            have no frame (arm64), and then its caller has the same sp.
 * Locks   none of ours; libunwind takes the loader's.
 * Instead of remote unwinding with checked reads: libunwind's local-only library has no such door.
 *         A broken frame may therefore fault here; the report that is then under way falls back on
 *         SYMB_SAFE, which reads only addresses that it has checked.
 */
#include "symb/symb.h"
#include "base/track.h"

#include "arch/frame.h"
#include "symb/symb_int.h"

#include <string.h>

enum { FAULT_ENTRY_BYTES = 32 };

/* ---- libunwind, if there is one */
#if __has_include(<libunwind.h>)
#define UNW_LOCAL_ONLY
#include <libunwind.h>
#define STRING_OF_EXPANDED(x) #x
#define STRING_OF(x)          STRING_OF_EXPANDED(x)

static struct {
    int (*init)(unw_cursor_t *, unw_context_t *, int);
    int (*step)(unw_cursor_t *);
    int (*get)(unw_cursor_t *, unw_regnum_t, unw_word_t *);
    int (*is_signal_frame)(unw_cursor_t *);
} unw;

_Static_assert(sizeof(unw_cursor_t) <= sizeof(((struct symb_walk *)0)->cursor), "symb.h");
_Static_assert(sizeof(ucontext_t) <= sizeof(((struct symb_walk *)0)->registers) ||
                   sizeof(unw_context_t) <= sizeof(((struct symb_walk *)0)->registers),
               "symb.h");

static bool cfi_load(void)
{
    static const struct symb_import imports[] = {
        {STRING_OF(unw_init_local2), (void **)&unw.init},
        {STRING_OF(unw_step), (void **)&unw.step},
        {STRING_OF(unw_get_reg), (void **)&unw.get},
        {STRING_OF(unw_is_signal_frame), (void **)&unw.is_signal_frame},
    };
    static struct symb_library lib = {.name = "libunwind.so.8"};
    return symb_library_load(&lib, imports, ARRAY_LEN(imports));
}

static unw_cursor_t *cursor_of(struct symb_walk *w)
{
    return (unw_cursor_t *)(void *)w->cursor;
}

static uintptr_t cfi_reg(struct symb_walk *w, int reg)
{
    unw_word_t v = 0;
    return unw.get(cursor_of(w), reg, &v) == 0 ? (uintptr_t)v : 0;
}

static uintptr_t cfi_reg_of(void *walk, int reg)
{
    return cfi_reg(walk, reg);
}

static bool cfi_start(struct symb_walk *w, bool exact)
{
    return unw.init(cursor_of(w), (unw_context_t *)(void *)w->registers,
                    exact ? UNW_INIT_SIGNAL_FRAME : 0) == 0;
}

static bool cfi_begin(struct symb_walk *w, const struct context *c, bool exact)
{
    if (!cfi_load())
        return false;
    memset(w->registers, 0, sizeof w->registers);
    arch_context_to_ucontext(c, (ucontext_t *)(void *)w->registers);
    return cfi_start(w, exact);
}

/* Registers of the cursor's frame become a new beginning: libunwind looks rules up at pc - 1 unless
 * told that the frame was interrupted, and does not know our fault entry as such. */
static void cfi_restart_after_fault(struct symb_walk *w)
{
    struct context c;
    uintptr_t cfa = w->next.sp; /* libunwind takes the CFA for the sp, in spite of the rule */
    arch_context_from_registers(&c, cfi_reg_of, w);
    arch_fault_fill(&c, cfa);
    c.pc = w->next.pc; /* libunwind's register of that name is that of the beginning, on arm64 */
    w->next.sp = c.sp;
    memset(w->registers, 0, sizeof w->registers);
    arch_context_to_ucontext(&c, (ucontext_t *)(void *)w->registers);
    w->cfi = cfi_start(w, true);
}

static bool cfi_step(struct symb_walk *w)
{
    bool after_fault = symb_in_fault_entry(w->next.pc);
    bool after_signal = unw.is_signal_frame(cursor_of(w)) > 0;
    if (unw.step(cursor_of(w)) <= 0)
        return false;
    w->next.pc = cfi_reg(w, UNW_REG_IP);
    w->next.sp = cfi_reg(w, UNW_REG_SP);
    w->next_fp = cfi_reg(w, ARCH_DWARF_FP);
    w->next.exact = after_fault || after_signal;
    if (after_fault)
        cfi_restart_after_fault(w);
    return true;
}
#else
static bool cfi_begin(struct symb_walk *w, const struct context *c, bool exact)
{
    (void)w, (void)c, (void)exact;
    return false;
}
static bool cfi_step(struct symb_walk *w)
{
    (void)w;
    return false;
}
#endif

/* ---- our own tables, or frame pointers */
static void own_begin(struct symb_walk *w, const struct context *c, bool exact)
{
    symb_steps_begin(&w->steps, c, exact, &w->stack[0], &w->stack[1]);
}

static bool own_step(struct symb_walk *w)
{
    uintptr_t pc;
    struct symb_steps *s = &w->steps;
    if (symb_steps_run(s, &pc, 1) == 0 || s->over)
        return false;
    w->next.exact = s->exact;
    w->next.pc = s->exact ? s->ret - 1 : s->ret;
    w->next.sp = s->sp;
    w->next_fp = s->fp;
    return true;
}

/* libunwind knows no further. */
static bool own_continue(struct symb_walk *w)
{
    struct context c = {.pc = w->next.pc, .sp = w->next.sp, .fp = w->next_fp};
    own_begin(w, &c, w->next.exact);
    w->steps.all = false;
    return own_step(w);
}

/* ---- both */
bool symb_in_fault_entry(uintptr_t pc)
{
    uintptr_t entry = (uintptr_t)arch_fault_entry;
    return pc > entry && pc <= entry + FAULT_ENTRY_BYTES;
}

static int stack_of(const struct symb_walk *w, uintptr_t addr)
{
    for (int i = 0; i < 2; i++)
        if (addr >= w->stack[i].lo && addr < w->stack[i].hi)
            return i;
    return -1;
}

void symb_walk_begin(struct symb_walk *w, const struct context *c, const struct stack *own,
                     const struct stack *other, bool exact, enum symb_way way)
{
    w->stack[0] = *own;
    w->stack[1] = other != NULL ? *other : (struct stack){.lo = 0};
    w->next = (struct symb_frame){.pc = c->pc, .sp = c->sp, .exact = exact};
    w->next_fp = c->fp;
    w->more = c->pc != 0 && stack_of(w, c->sp) >= 0;
    track_guesses(true);
    w->cfi = way == SYMB_FULL && w->more && cfi_begin(w, c, exact);
    track_guesses(false);
    if (!w->cfi)
        own_begin(w, c, exact);
}

/* 2 */
static bool grew(const struct symb_walk *w, const struct symb_frame *from)
{
    return stack_of(w, from->sp) != stack_of(w, w->next.sp) || w->next.sp > from->sp ||
           (w->next.sp == from->sp && from->exact);
}

/* For code without tables libunwind takes the link register for the return address (arm64), which leads
 * back into the same frame once it has made a call. */
static bool cfi_step_outwards(struct symb_walk *w, const struct symb_frame *from)
{
    uintptr_t fp = w->next_fp;
    if (!cfi_step(w))
        return false;
    if (grew(w, from))
        return true;
    w->next = *from;
    w->next_fp = fp;
    return false;
}

/* Makes `next` the caller of the frame `from`, or ends the walk. */
static void walk_step(struct symb_walk *w, const struct symb_frame *from)
{
    if (w->cfi && !cfi_step_outwards(w, from))
        w->cfi = false, w->more = from->pc != 0 && own_continue(w);
    else if (!w->cfi)
        w->more = own_step(w);
    if (!w->more)
        return;
    bool at_top = w->next.sp == w->stack[0].hi || w->next.sp == w->stack[1].hi;
    if (w->next.pc == 0 || (stack_of(w, w->next.sp) < 0 && !at_top) || !grew(w, from))
        w->more = false; /* 1, 2 */
}

bool symb_walk_next(struct symb_walk *w, struct symb_frame *f)
{
    if (!w->more)
        return false;
    *f = w->next;
    track_guesses(true); /* it tries addresses */
    walk_step(w, f);
    track_guesses(false);
    f->cfa = w->more ? w->next.sp : 0;
    return true;
}

size_t symb_walk_pcs(struct symb_walk *w, uintptr_t *pcs, size_t n)
{
    struct symb_frame f;
    size_t i = 0;
    while (i < n && symb_walk_next(w, &f))
        pcs[i++] = f.exact ? f.pc + 1 : f.pc;
    return i;
}
