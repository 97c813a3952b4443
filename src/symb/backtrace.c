/* backtrace.c: return addresses only, fast.
 *
 * Owns    the walk that profiles, the tracer and gort_callers use.
 * Holds   every word that is read lies in one of the stacks; within one stack addresses only grow.
 * Locks   none. SIGSAFE.
 */
#include "symb/symb.h"

#include "base/probe.h"

au32 probes;

static bool holds_frame(const struct stack *s, uintptr_t fp)
{
    return s != NULL && fp % sizeof fp == 0 && fp >= s->lo && fp < s->hi &&
           s->hi - fp >= 2 * sizeof fp;
}

static size_t walk(uintptr_t fp, const struct stack *own, const struct stack *other, uintptr_t *pcs,
                   size_t max)
{
    size_t n = 0;
    while (n < max && (holds_frame(own, fp) || holds_frame(other, fp))) {
        const uintptr_t *frame = (const uintptr_t *)fp;
        uintptr_t older = frame[0];
        if (frame[1] == 0)
            break;
        pcs[n++] = frame[1];
        if (older <= fp && holds_frame(own, older) == holds_frame(own, fp))
            break;
        fp = older;
    }
    return n;
}

size_t symb_backtrace(const struct context *at, bool exact, const struct stack *own,
                      const struct stack *other, uintptr_t *pcs, size_t max)
{
    if (max == 0 || at->pc == 0)
        return 0;
    pcs[0] = at->pc + (exact ? 1 : 0);
    return 1 + walk(at->fp, own, other, pcs + 1, max - 1);
}

size_t symb_backtrace_here(const struct stack *own, const struct stack *other, bool keep_entry,
                           uintptr_t *pcs, size_t max)
{
    enum { DEEPEST = 160 };
    uintptr_t all[DEEPEST];
    size_t n = walk((uintptr_t)__builtin_frame_address(0), own, other, all, DEEPEST), skip = 0;
    while (skip < n && symb_in_own_text(all[skip]))
        skip++;
    if (keep_entry && skip > 0)
        skip--;
    size_t k = n - skip < max ? n - skip : max;
    for (size_t i = 0; i < k; i++)
        pcs[i] = all[skip + i];
    return k;
}
