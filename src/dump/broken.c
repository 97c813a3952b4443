/* broken.c: a stack that cannot be walked to its end is said to be so.
 *
 * Owns    what is kept of such a stack, and its text: Go's line about the return address, and the words around
 *         the frame that is wrong.
 * Holds   1. words are read by the kernel, for the stack may not be what it seems: what cannot be read is left
 *            out, and never a fault. Where the kernel does not do that, only what the walk has gone through is
 *            told, which lies above the guard;
 *         2. at most BROKEN_WORDS of them.
 * Locks   none; taking is SIGSAFE.
 */
#include "dump/dump_int.h"

#include "os/maps.h"

#include <errno.h>

enum { WORD = sizeof(uintptr_t), AROUND_BYTES = 32 * WORD, PER_LINE = 2 };

__attribute__((no_sanitize("address", "thread"))) static void
read_used(uintptr_t *to, uintptr_t from, int64_t bytes)
{
    for (size_t i = 0; i < (size_t)bytes / WORD; i++)
        to[i] = *(volatile const uintptr_t *)(from + i * WORD);
}

static void take_words(struct trace_broken *b)
{
    const struct symb_lost *l = &b->lost;
    uintptr_t lo = l->sp - l->sp % (2 * WORD), hi = lo;
    if (l->cfa > hi && l->cfa <= l->on.hi)
        hi = l->cfa;
    lo = lo - l->on.lo > AROUND_BYTES ? lo - AROUND_BYTES : l->on.lo;
    hi = l->on.hi - hi > AROUND_BYTES ? hi + AROUND_BYTES : l->on.hi;
    if (hi - lo > sizeof b->words)
        hi = lo + sizeof b->words;
    int64_t got = os_read_memory(b->words, lo, hi - lo);
    while (got == -EFAULT && lo < l->sp) /* where the stack is used it can be read */
        lo += WORD, got = os_read_memory(b->words, lo, hi - lo);
    if ((got == -ENOSYS || got == -EPERM) && l->sp - l->on.lo >= WORD) {
        lo = l->sp - l->sp % WORD;
        read_used(b->words, lo, got = (int64_t)(hi - lo));
    }
    b->from = lo;
    b->n = got > 0 ? (uint16_t)((size_t)got / WORD) : 0;
}

bool broken_take(struct trace_broken *b, struct g *g, const struct dump_place *at,
                 const struct stack *own, const struct stack *other)
{
    struct symb_lost *l = &b->lost;
    b->n = 0;
    if (!symb_lost(l, &at->ctx, at->exact, own, other, TRACE_FRAMES))
        return false;
    bool on_own = l->sp >= own->lo && l->sp <= own->hi && g != NULL && g->id != 0 && !g->foreign;
    if (!on_own && (l->ret == 0 || (g != NULL && trace_in_foreign_call(g))))
        return false; /* other people's threads and code end as they please */
    b->id = g != NULL ? g->id : 0;
    take_words(b);
    return true;
}

/* Does the frame whose return address or instruction is `pc` stand for nothing that could be code? */
bool broken_is_nonsense(const struct trace_broken *b, uintptr_t pc)
{
    const struct symb_lost *l = &b->lost;
    char byte;
    return l->kind == SYMB_LOST_RETURN && pc == l->ret &&
           ((pc >= l->on.lo && pc < l->on.hi) || !os_may_execute(pc - 1) ||
            os_read_memory(&byte, pc, 1) == -EFAULT);
}

/* ---- text */
static void print_function(struct out *o, const struct symb_lost *l, const struct dump_style *style)
{
    struct symb_answer room;
    const struct symb_answer *a = trace_answer(l->pc, l->exact, style, &room);
    const char *name = a->line[a->n - 1].function;
    if (name != NULL)
        out_str(o, name);
    else
        out_hex(o, l->pc);
}

static void print_what(struct out *o, const struct trace_broken *b, const struct dump_style *style)
{
    const struct symb_lost *l = &b->lost;
    out_str(o, "runtime: g ");
    out_uint(o, b->id);
    switch (l->kind) {
    case SYMB_LOST_RETURN:
        out_str(o, ": unexpected return pc for ");
        print_function(o, l, style);
        out_str(o, " called from ");
        out_hex(o, l->ret);
        break;
    case SYMB_LOST_FRAME:
        out_str(o, ": unexpected frame pointer for ");
        print_function(o, l, style);
        out_str(o, ": ");
        out_hex(o, l->fp);
        break;
    case SYMB_LOST_STUCK:
        out_str(o, ": traceback stuck in ");
        print_function(o, l, style);
        out_str(o, ". pc=");
        out_hex(o, l->pc);
        out_str(o, " sp=");
        out_hex(o, l->sp);
        out_str(o, " fp=");
        out_hex(o, l->fp);
        break;
    }
    out_char(o, '\n');
}

/* As Go prints numbers in such a table. */
static void print_word(struct out *o, uintptr_t v)
{
    out_str(o, "0x");
    for (int shift = 8 * WORD - 4; shift >= 0; shift -= 4)
        out_char(o, "0123456789abcdef"[v >> shift & 15]);
}

/* What a word may be the address of; a function of the program or of a library, not data. */
static void print_meaning(struct out *o, uintptr_t v, const struct dump_style *style)
{
    struct symb_answer room;
    if (style->way != SYMB_FULL || !symb_is_code(v))
        return;
    const struct symb_line *l;
    const struct symb_answer *a = trace_answer(v, true, style, &room);
    l = &a->line[a->n - 1];
    if (l->function == NULL || l->entry == 0 || v < l->entry)
        return;
    out_char(o, '<');
    out_str(o, l->function);
    out_char(o, '+');
    print_word(o, v - l->entry);
    out_str(o, "> ");
}

static char mark_of(const struct symb_lost *l, uintptr_t at)
{
    if (at == l->cfa)
        return '>';
    if (at == l->sp)
        return '<';
    return at == l->slot ? '!' : ' ';
}

void broken_print(struct out *o, const struct trace_broken *b, const struct dump_style *style)
{
    const struct symb_lost *l = &b->lost;
    print_what(o, b, style);
    out_str(o, "stack: frame={sp:");
    out_hex(o, l->sp);
    out_str(o, ", fp:");
    out_hex(o, l->cfa);
    out_str(o, "} stack=[");
    out_hex(o, l->on.lo);
    out_char(o, ',');
    out_hex(o, l->on.hi);
    out_str(o, ")\n");
    for (unsigned i = 0; i < b->n; i++) {
        uintptr_t at = b->from + i * WORD;
        if (i % PER_LINE == 0) {
            print_word(o, at);
            out_str(o, ": ");
        }
        out_char(o, mark_of(l, at));
        print_word(o, b->words[i]);
        out_char(o, ' ');
        print_meaning(o, b->words[i], style);
        if (i % PER_LINE == PER_LINE - 1 || i + 1u == b->n)
            out_char(o, '\n');
    }
    out_flush(o);
}
