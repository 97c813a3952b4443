/* rules.c: from a frame's registers to its caller's.
 *
 * Owns    applying a row of call-frame information, and the expressions in it.
 * Holds   1. Memory is read in the walk's stacks only, expressions in the module's table only.
 *         2. An expression ends: it jumps forward, or it has done enough steps.
 * Locks   none. SIGSAFE.
 */
#include "symb/cfi.h"

static bool holds_word(const struct stack *s, uintptr_t addr)
{
    return addr >= s->lo && addr < s->hi && s->hi - addr >= sizeof(uintptr_t);
}

/* The stack may be one that AddressSanitizer or ThreadSanitizer has an opinion on. */
__attribute__((no_sanitize("address", "thread"))) bool cfi_word(const struct stack stacks[2],
                                                                uintptr_t addr, uintptr_t *word)
{
    if (addr % sizeof addr != 0 || !(holds_word(&stacks[0], addr) || holds_word(&stacks[1], addr)))
        return false;
    *word = *(const uintptr_t *)addr;
    return true;
}

static bool column(const struct cfi_regs *r, uint64_t n, uintptr_t *v)
{
    if (n >= ARCH_CFI_COLUMNS || (r->known >> n & 1) == 0)
        return false;
    *v = r->column[n];
    return true;
}

/* ---- expressions: DWARF's little stack machine */
enum {
    OP_ADDR = 0x03,
    OP_DEREF = 0x06,
    OP_CONST1U = 0x08, /* 1U 1S 2U 2S 4U 4S 8U 8S */
    OP_CONST8S = 0x0f,
    OP_CONSTU = 0x10,
    OP_CONSTS = 0x11,
    OP_DUP = 0x12,
    OP_DROP = 0x13,
    OP_OVER = 0x14,
    OP_PICK = 0x15,
    OP_SWAP = 0x16,
    OP_ROT = 0x17,
    OP_ABS = 0x19,
    OP_AND = 0x1a,
    OP_DIV = 0x1b,
    OP_MINUS = 0x1c,
    OP_MOD = 0x1d,
    OP_MUL = 0x1e,
    OP_NEG = 0x1f,
    OP_NOT = 0x20,
    OP_OR = 0x21,
    OP_PLUS = 0x22,
    OP_PLUS_UCONST = 0x23,
    OP_SHL = 0x24,
    OP_SHR = 0x25,
    OP_SHRA = 0x26,
    OP_XOR = 0x27,
    OP_BRA = 0x28,
    OP_EQ = 0x29,
    OP_GE = 0x2a,
    OP_GT = 0x2b,
    OP_LE = 0x2c,
    OP_LT = 0x2d,
    OP_NE = 0x2e,
    OP_SKIP = 0x2f,
    OP_LIT0 = 0x30,
    OP_REG0 = 0x50,
    OP_BREG0 = 0x70,
    OP_BREGX = 0x92,
    OP_NOP = 0x96,
};

enum { WORDS = 16, STEPS_MAX = 1000 };

struct expr {
    const uint8_t *p, *lo, *end;
    const struct stack *stacks;
    const struct cfi_regs *regs;
    enum cfi_step fate; /* CFI_CALLER: all is well so far */
    unsigned n;
    uintptr_t word[WORDS];
};

static void fail(struct expr *e, enum cfi_step fate)
{
    if (e->fate == CFI_CALLER)
        e->fate = fate;
}

static void push(struct expr *e, uintptr_t v)
{
    if (e->n == WORDS)
        fail(e, CFI_NONSENSE);
    else
        e->word[e->n++] = v;
}

static uintptr_t pop(struct expr *e)
{
    if (e->n == 0) {
        fail(e, CFI_NONSENSE);
        return 0;
    }
    return e->word[--e->n];
}

static uintptr_t peek(struct expr *e, unsigned deep)
{
    if (deep >= e->n) {
        fail(e, CFI_NONSENSE);
        return 0;
    }
    return e->word[e->n - 1 - deep];
}

/* A little-endian operand of `bytes`. */
static uint64_t operand(struct expr *e, unsigned bytes, bool sign)
{
    uint64_t v = 0;
    if ((size_t)(e->end - e->p) < bytes) {
        fail(e, CFI_NONSENSE);
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        v |= (uint64_t)*e->p++ << 8 * i;
    if (sign && bytes < 8 && (v >> (8 * bytes - 1) & 1) != 0)
        v |= ~(uint64_t)0 << 8 * bytes;
    return v;
}

static uint64_t leb(struct expr *e, bool sign)
{
    uint64_t v = 0, byte;
    unsigned shift = 0;
    do {
        byte = operand(e, 1, false);
        if (shift < 64)
            v |= (byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0 && e->fate == CFI_CALLER);
    if (sign && shift < 64 && (byte & 0x40) != 0)
        v |= ~(uint64_t)0 << shift;
    return v;
}

static void push_column(struct expr *e, uint64_t n, uint64_t offset)
{
    uintptr_t v = 0;
    if (!column(e->regs, n, &v))
        fail(e, n < ARCH_CFI_COLUMNS ? CFI_UNKNOWN : CFI_NONSENSE);
    push(e, v + offset);
}

static void deref(struct expr *e)
{
    uintptr_t v = 0;
    if (!cfi_word(e->stacks, pop(e), &v))
        fail(e, CFI_NONSENSE);
    push(e, v);
}

static void jump(struct expr *e, bool really)
{
    int64_t by = (int64_t)operand(e, 2, true);
    if (!really)
        return;
    if (by < e->lo - e->p || by > e->end - e->p)
        fail(e, CFI_NONSENSE);
    else
        e->p += by;
}

static void two_operands(struct expr *e, uint8_t op)
{
    uintptr_t b = pop(e), a = pop(e);
    intptr_t sa = (intptr_t)a, sb = (intptr_t)b;
    switch (op) {
    case OP_AND:
        push(e, a & b);
        break;
    case OP_DIV:
        if (sb == 0 || (sb == -1 && sa == INTPTR_MIN))
            fail(e, CFI_NONSENSE);
        else
            push(e, (uintptr_t)(sa / sb));
        break;
    case OP_MINUS:
        push(e, a - b);
        break;
    case OP_MOD:
        if (b == 0)
            fail(e, CFI_NONSENSE);
        else
            push(e, a % b);
        break;
    case OP_MUL:
        push(e, a * b);
        break;
    case OP_OR:
        push(e, a | b);
        break;
    case OP_PLUS:
        push(e, a + b);
        break;
    case OP_SHL:
        push(e, b < 64 ? a << b : 0);
        break;
    case OP_SHR:
        push(e, b < 64 ? a >> b : 0);
        break;
    case OP_SHRA:
        push(e, (uintptr_t)(sa >> (b < 64 ? b : 63)));
        break;
    case OP_XOR:
        push(e, a ^ b);
        break;
    case OP_EQ:
        push(e, sa == sb);
        break;
    case OP_GE:
        push(e, sa >= sb);
        break;
    case OP_GT:
        push(e, sa > sb);
        break;
    case OP_LE:
        push(e, sa <= sb);
        break;
    case OP_LT:
        push(e, sa < sb);
        break;
    case OP_NE:
        push(e, sa != sb);
        break;
    default:
        fail(e, CFI_NONSENSE);
    }
}

static void rotate(struct expr *e)
{
    uintptr_t a = pop(e), b = pop(e), c = pop(e);
    push(e, a);
    push(e, c);
    push(e, b);
}

static void run_op(struct expr *e, uint8_t op)
{
    uintptr_t v;
    uint64_t n;
    switch (op) {
    case OP_NOP:
        break;
    case OP_ADDR:
        push(e, operand(e, 8, false));
        break;
    case OP_DEREF:
        deref(e);
        break;
    case OP_CONSTU:
        push(e, leb(e, false));
        break;
    case OP_CONSTS:
        push(e, leb(e, true));
        break;
    case OP_DUP:
        push(e, peek(e, 0));
        break;
    case OP_DROP:
        pop(e);
        break;
    case OP_OVER:
        push(e, peek(e, 1));
        break;
    case OP_PICK:
        push(e, peek(e, (unsigned)operand(e, 1, false)));
        break;
    case OP_SWAP:
        v = pop(e);
        n = pop(e);
        push(e, v);
        push(e, n);
        break;
    case OP_ROT:
        rotate(e);
        break;
    case OP_ABS:
        v = pop(e);
        push(e, (intptr_t)v < 0 ? 0 - v : v);
        break;
    case OP_NEG:
        push(e, 0 - pop(e));
        break;
    case OP_NOT:
        push(e, ~pop(e));
        break;
    case OP_PLUS_UCONST:
        v = pop(e);
        push(e, v + leb(e, false));
        break;
    case OP_BRA:
        jump(e, pop(e) != 0);
        break;
    case OP_SKIP:
        jump(e, true);
        break;
    case OP_BREGX:
        n = leb(e, false);
        push_column(e, n, leb(e, true));
        break;
    default:
        if (op >= OP_CONST1U && op <= OP_CONST8S)
            push(e, operand(e, 1u << ((op - OP_CONST1U) / 2), op % 2 != 0));
        else if (op >= OP_LIT0 && op < OP_REG0)
            push(e, (uintptr_t)(op - OP_LIT0));
        else if (op >= OP_BREG0 && op < OP_BREG0 + 32)
            push_column(e, (uint64_t)(op - OP_BREG0), leb(e, true));
        else
            two_operands(e, op);
    }
}

/* The value of the block at row->base + at; `first` points to a word that stands on the stack before, or
 * is NULL. */
static enum cfi_step evaluate(const struct cfi_row *row, int32_t at, const struct stack stacks[2],
                              const struct cfi_regs *r, const uintptr_t *first, uintptr_t *v)
{
    struct expr e = {
        .p = row->base + at, .end = row->end, .stacks = stacks, .regs = r, .fate = CFI_CALLER};
    uint64_t bytes = leb(&e, false);
    if (e.fate != CFI_CALLER || bytes > (size_t)(e.end - e.p))
        return CFI_NONSENSE;
    e.lo = e.p;
    e.end = e.p + bytes;
    if (first != NULL)
        push(&e, *first);
    for (int steps = 0; e.p < e.end && e.fate == CFI_CALLER; steps++) {
        if (steps == STEPS_MAX)
            return CFI_NONSENSE;
        run_op(&e, *e.p++);
    }
    *v = pop(&e);
    return e.fate;
}

/* ---- rules */
static enum cfi_step find_cfa(const struct cfi_row *row, const struct stack stacks[2],
                              const struct cfi_regs *r, uintptr_t *cfa)
{
    if (row->cfa_by_expr)
        return evaluate(row, row->cfa_value, stacks, r, NULL, cfa);
    if (!column(r, row->cfa_column, cfa))
        return CFI_UNKNOWN;
    *cfa += (uintptr_t)(intptr_t)row->cfa_value;
    return CFI_CALLER;
}

/* The caller's value of column `n`. */
static enum cfi_step caller_column(const struct cfi_row *row, unsigned n,
                                   const struct stack stacks[2], const struct cfi_regs *r,
                                   uintptr_t cfa, uintptr_t *v)
{
    struct cfi_rule rule = row->rule[n];
    uintptr_t at;
    enum cfi_step fate;
    switch ((enum cfi_kind)rule.kind) {
    case CFI_SAME:
        return column(r, n, v) ? CFI_CALLER : CFI_UNKNOWN;
    case CFI_COLUMN:
        return column(r, (uint32_t)rule.value, v) ? CFI_CALLER : CFI_UNKNOWN;
    case CFI_OFFSET:
        at = cfa + (uintptr_t)(intptr_t)rule.value;
        return cfi_word(stacks, at, v) ? CFI_CALLER : CFI_NONSENSE;
    case CFI_VAL_OFFSET:
        *v = cfa + (uintptr_t)(intptr_t)rule.value;
        return CFI_CALLER;
    case CFI_EXPR:
        fate = evaluate(row, rule.value, stacks, r, &cfa, &at);
        if (fate == CFI_CALLER && !cfi_word(stacks, at, v))
            fate = CFI_NONSENSE;
        return fate;
    case CFI_VAL_EXPR:
        return evaluate(row, rule.value, stacks, r, &cfa, v);
    case CFI_UNDEFINED:
        break;
    }
    return CFI_OUTERMOST;
}

enum cfi_step cfi_apply(const struct cfi_row *row, const struct stack stacks[2], struct cfi_regs *r,
                        uintptr_t *cfa)
{
    struct cfi_regs caller;
    enum cfi_step fate = find_cfa(row, stacks, r, cfa);
    if (fate != CFI_CALLER)
        return fate;
    fate = caller_column(row, row->pc_column, stacks, r, *cfa, &caller.pc);
    if (fate != CFI_CALLER)
        return fate;
    caller.known = 0;
    for (unsigned n = 0; n < ARCH_CFI_COLUMNS; n++) {
        uint8_t kind = row->rule[n].kind;
        if (kind == CFI_SAME && (ARCH_CALLEE_SAVED >> n & 1) == 0)
            continue; /* the callee was free to use it */
        if (caller_column(row, n, stacks, r, *cfa, &caller.column[n]) == CFI_CALLER)
            caller.known |= (uint64_t)1 << n;
        else
            caller.column[n] = 0;
    }
    if (row->rule[ARCH_DWARF_SP].kind == CFI_SAME)
        caller.column[ARCH_DWARF_SP] = *cfa;
    caller.known |= (uint64_t)1 << ARCH_DWARF_SP;
    if (!row->signal_frame) /* a call has overwritten it */
        caller.known &= ~((uint64_t)1 << row->pc_column);
    caller.pc = arch_code_address(caller.pc);
    *r = caller;
    return CFI_CALLER;
}
