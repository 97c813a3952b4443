/* lost.c: where a walk got lost.
 *
 * Owns    the second, slow walk along a stack whose walk ended before its outermost function: which function was
 *         the last good one, and what is wrong with its frame.
 * Holds   1. as in backtrace.c, only words in the two stacks are read.
 * Locks   none. SIGSAFE.
 *
 * A walk ends early in one of two ways. A return address is nonsense: the walk made a frame of it, which leads
 * nowhere. Or a function is known, but where its frame ends follows from a frame pointer that is nonsense.
 */
#include "symb/symb.h"

#include "symb/cfi.h"

enum { WORD = sizeof(uintptr_t) };

/* One function on the way. */
struct at {
    uintptr_t ret, sp, fp;
    bool exact;
    bool known; /* `row` is what its module says about it */
    struct cfi_row row;
};

bool symb_is_code(uintptr_t pc)
{
    struct cfi_tables t;
    struct cfi_row row;
    bool stays;
    return cfi_module(pc, &t, &stays) && cfi_find(&t, pc, &row) == CFI_FOUND;
}

static void look(struct at *a, const struct symb_steps *w)
{
    struct cfi_tables t;
    bool stays;
    *a = (struct at){.ret = w->ret, .sp = w->sp, .fp = w->fp, .exact = w->exact};
    a->known = cfi_module(w->ret - 1, &t, &stays) && cfi_find(&t, w->ret - 1, &a->row) == CFI_FOUND;
}

/* The place at which the function's caller's column is kept, which has the CFA `cfa`; 0: not in memory. */
static uintptr_t slot_of(const struct at *a, unsigned column, uintptr_t cfa)
{
    const struct cfi_rule *r = &a->row.rule[column];
    return a->known && r->kind == CFI_OFFSET ? cfa + (uintptr_t)(intptr_t)r->value : 0;
}

static uintptr_t cfa_of(const struct at *a)
{
    uintptr_t base = 0;
    if (!a->known)
        return a->fp + 2 * WORD;
    if (a->row.cfa_by_expr)
        return 0;
    if (a->row.cfa_column == ARCH_DWARF_SP)
        base = a->sp;
    else if (a->row.cfa_column == ARCH_DWARF_FP)
        base = a->fp;
    return base != 0 ? base + (uintptr_t)(intptr_t)a->row.cfa_value : 0;
}

static void fill(struct symb_lost *l, const struct at *a)
{
    l->pc = a->exact ? a->ret - 1 : a->ret;
    l->exact = a->exact;
    l->sp = a->sp;
    l->fp = a->fp;
}

/* `a` returns to `to`, where there is no function. */
static void bad_return(struct symb_lost *l, const struct at *a, uintptr_t to, uintptr_t cfa)
{
    fill(l, a);
    l->kind = SYMB_LOST_RETURN;
    l->ret = to;
    l->cfa = cfa;
    l->slot = a->known ? slot_of(a, a->row.pc_column, cfa) : a->fp + WORD;
}

/* Where the frame of `a` ends is not known; `inner` is what it called, if anything. */
static void bad_frame(struct symb_lost *l, const struct at *a, const struct at *inner)
{
    fill(l, a);
    l->cfa = cfa_of(a);
    l->kind = l->cfa >= l->on.lo && l->cfa <= a->sp ? SYMB_LOST_STUCK : SYMB_LOST_FRAME;
    l->slot = inner != NULL ? slot_of(inner, ARCH_DWARF_FP, a->sp) : 0;
}

static void judge(struct symb_lost *l, const struct symb_steps *w, const struct at *last,
                  const struct at *inner)
{
    uintptr_t cfa = cfa_of(last), ret;
    const struct stack *on = &w->stack[w->on];
    bool lies_on = cfa > last->sp && cfa <= on->hi;
    l->on = *on;
    if (!last->known && inner != NULL && !last->exact)
        bad_return(l, inner, last->ret, last->sp);
    else if (last->known && lies_on &&
             cfi_word(w->stack, slot_of(last, last->row.pc_column, cfa), &ret))
        bad_return(l, last, arch_code_address(ret), cfa);
    else
        bad_frame(l, last, inner);
}

bool symb_lost(struct symb_lost *l, const struct context *at, bool exact, const struct stack *own,
               const struct stack *other, size_t max)
{
    struct symb_steps w;
    struct at seen[2];
    uintptr_t pc;
    size_t n = 0;
    symb_steps_begin(&w, at, exact, own, other);
    w.strict = true;
    for (; n < max && !w.over; n++) {
        look(&seen[n % 2], &w);
        if (symb_steps_run(&w, &pc, 1) == 0)
            break;
    }
    if (!w.over || w.whole || n == 0)
        return false;
    judge(l, &w, &seen[(n - 1) % 2], n > 1 ? &seen[(n - 2) % 2] : NULL);
    return true;
}
