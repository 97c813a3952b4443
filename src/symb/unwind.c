/* unwind.c: frames of a suspended stack, for tracebacks.
 *
 * Owns    what backtrace.c finds, as frames: with their sp, and the CFA, which is known once the caller is.
 * Holds   as there: every frame's sp lies in one of the walk's stacks, and within one stack it only grows, so
 *         that a walk ends; but a function that was interrupted may have no frame (arm64), and then its caller
 *         has the same sp.
 * Locks   none. SIGSAFE.
 */
#include "symb/symb.h"

void symb_walk_begin(struct symb_walk *w, const struct context *c, const struct stack *own,
                     const struct stack *other, bool exact)
{
    symb_steps_begin(&w->steps, c, exact, own, other);
    w->steps.strict = true;
    w->next = (struct symb_frame){.pc = c->pc, .sp = c->sp, .exact = exact};
    w->more = !w->steps.over;
}

static bool walk_step(struct symb_walk *w)
{
    uintptr_t pc;
    struct symb_steps *s = &w->steps;
    if (symb_steps_run(s, &pc, 1) == 0 || s->over || s->ret == 0)
        return false;
    w->next =
        (struct symb_frame){.pc = s->exact ? s->ret - 1 : s->ret, .sp = s->sp, .exact = s->exact};
    return true;
}

bool symb_walk_next(struct symb_walk *w, struct symb_frame *f)
{
    if (!w->more)
        return false;
    *f = w->next;
    w->more = walk_step(w);
    f->cfa = w->more ? w->next.sp : 0;
    return true;
}
