/* backtrace.c: return addresses only, fast.
 *
 * Owns    the walk that profiles, the tracer, gort_callers and tracebacks use; two caches of rows.
 * Holds   1. Every word that is read lies in one of the walk's two stacks, or in a module's tables.
 *         2. Within one stack the sp only grows, so a walk ends. A function that was interrupted may have no
 *            frame (arm64), and then its caller has the same sp.
 *         3. A cached row is that of code which is never unloaded (cfi_modules.c, 1).
 * Locks   none. SIGSAFE. A row is one atomic word: who reads it sees a whole one, old or new.
 *
 * Most frames cost a load, a comparison and two more loads: a first cache has the pcs whose callers are found
 * through a frame record {older fp, return address}, as code with frame pointers has it. A second one has
 * what else can be said in a word:
 *
 *     63            30 29       17   16   15         3 2    0
 *     |  tag: pc >> 14 | CFA words | base | slot words | form |
 *
 * Its places come from all bits of the pc so that the tag and the place give back the pc.
 *
 * Instead of frame pointers alone: libc keeps none, and a walk from qsort's callback misses its caller.
 * Instead of a cache per thread: a handler may interrupt its own thread's insertion as well.
 * Instead of one entry per function: the row of most functions changes at each push.
 */
#include "symb/symb.h"

#include "base/atomic.h"
#include "base/probe.h"
#include "os/maps.h"
#include "symb/cfi.h"
#include "symb/symb_int.h"

au32 probes;

#define NO_TRACK __attribute__((no_sanitize("address", "thread")))

/* ---- the caches, by the pcs that lists have: return addresses, or the interrupted instruction's + 1 */
enum {
    PLACE_BITS = 14,
    PC_BITS = 48,
    PLACES = 1 << PLACE_BITS,
    FORM_BITS = 3,
    FIELD_BITS = 13,
    SLOT_SHIFT = FORM_BITS,
    CFA_SHIFT = FORM_BITS + FIELD_BITS + 1,
    FIELD_MAX = (1 << FIELD_BITS) - 1,
    WORD = sizeof(uintptr_t),
};
#define TAG_SHIFT (64 - (PC_BITS - PLACE_BITS))

enum form {
    FORM_NONE,
    FORM_RECORD, /* fp points to {older fp, return address}; the CFA is behind them: the first cache */
    FORM_FP_APART, /* return address at CFA - 1; slot: the older fp's distance from the CFA */
    FORM_FP_BESIDE, /* slot: the return address' distance from the CFA; the older fp lies before it */
    FORM_FP_STAYS,  /* the same, and fp is the caller's */
    FORM_OUTERMOST, /* nobody called it */
    FORM_ANEW,      /* not to be said in a word: the tables are read each time */
};
/* The CFA is relative to fp, not sp. */
enum { BASE_FP = 1u << (FORM_BITS + FIELD_BITS) };

/* Complements, so that an empty place does not say that 0 is a pc: a walk need not ask for it at each step. */
static au64 recorded[PLACES];
static au64 rows[PLACES];

static inline bool has_record(uintptr_t ret)
{
    return load_rlx(&recorded[ret >> ARCH_CODE_SHIFT & (PLACES - 1)]) == ~ret;
}

static inline au64 *place_of(uintptr_t ret)
{
    return &rows[(ret >> 2 ^ ret << (PLACE_BITS - 2)) & (PLACES - 1)];
}

static inline uint64_t tag_of(uintptr_t ret)
{
    return (uint64_t)ret >> PLACE_BITS << TAG_SHIFT;
}

static void remember(uintptr_t ret, uint32_t row)
{
    if (row == FORM_RECORD)
        store_rlx(&recorded[ret >> ARCH_CODE_SHIFT & (PLACES - 1)], ~ret);
    else
        store_rlx(place_of(ret), tag_of(ret) | row);
}

static bool field(int64_t bytes, uint32_t *words)
{
    *words = (uint32_t)(bytes / WORD);
    return bytes >= 0 && bytes % WORD == 0 && bytes / WORD <= FIELD_MAX;
}

static uint32_t pack(const struct cfi_row *row)
{
    struct cfi_rule pc = row->rule[row->pc_column], fp = row->rule[ARCH_DWARF_FP];
    uint32_t cfa, pc_slot, fp_slot = 0;
    bool by_fp = row->cfa_column == ARCH_DWARF_FP;
    if (pc.kind == CFI_UNDEFINED)
        return FORM_OUTERMOST;
    if (row->signal_frame || row->cfa_by_expr || !(by_fp || row->cfa_column == ARCH_DWARF_SP) ||
        row->rule[ARCH_DWARF_SP].kind != CFI_SAME || pc.kind != CFI_OFFSET ||
        (fp.kind != CFI_OFFSET && fp.kind != CFI_SAME) || !field(row->cfa_value, &cfa) ||
        !field(-(int64_t)pc.value, &pc_slot) || pc_slot == 0)
        return FORM_ANEW;
    if (fp.kind == CFI_OFFSET && (!field(-(int64_t)fp.value, &fp_slot) || fp_slot == 0))
        return FORM_ANEW;
    if (by_fp && cfa == 2 && pc_slot == 1 && fp_slot == 2)
        return FORM_RECORD;
    uint32_t base = (by_fp ? BASE_FP : 0) | cfa << CFA_SHIFT;
    if (fp_slot == 0)
        return base | pc_slot << SLOT_SHIFT | FORM_FP_STAYS;
    if (fp_slot == pc_slot + 1)
        return base | pc_slot << SLOT_SHIFT | FORM_FP_BESIDE;
    if (pc_slot == 1)
        return base | fp_slot << SLOT_SHIFT | FORM_FP_APART;
    return FORM_ANEW;
}

/* ---- one step, by the tables */
static int stack_of(const struct symb_steps *w, uintptr_t sp)
{
    for (int i = 0; i < 2; i++)
        if (sp > w->stack[i].lo && sp <= w->stack[i].hi)
            return i;
    return -1;
}

/* Goes on at a caller, unless that breaks invariant 2. */
static bool arrive(struct symb_steps *w, uintptr_t pc, uintptr_t sp, uintptr_t fp, bool exact)
{
    int i = sp == w->sp ? w->on : stack_of(w, sp); /* where a full stack ends, too */
    if (i < 0 || pc == 0)
        return false;
    if (sp < w->passed[i] || (sp == w->passed[i] && !w->exact))
        return false;
    w->passed[i] = sp;
    w->on = i;
    w->ret = pc + (exact ? 1 : 0);
    w->sp = sp;
    w->fp = fp;
    w->exact = exact;
    return true;
}

static bool step_by_record(struct symb_steps *w)
{
    uintptr_t fp = w->fp, older, pc;
    bool below = fp < w->sp && fp >= w->stack[w->on].lo;
    if (below || !cfi_word(w->stack, fp, &older) || !cfi_word(w->stack, fp + WORD, &pc))
        return false;
    w->all = false;
    return arrive(w, arch_code_address(pc), fp + 2 * WORD, older, false);
}

/* Known registers of a walk that has come here fast. */
static void know_two(struct symb_steps *w)
{
    w->regs.known = (uint64_t)1 << ARCH_DWARF_FP | (uint64_t)1 << ARCH_DWARF_SP;
    w->regs.column[ARCH_DWARF_FP] = w->fp;
    w->regs.column[ARCH_DWARF_SP] = w->sp;
}

static bool arrive_with_registers(struct symb_steps *w, bool exact)
{
    struct cfi_regs *r = &w->regs;
    return arrive(w, r->pc, r->column[ARCH_DWARF_SP], r->column[ARCH_DWARF_FP], exact);
}

/* Code without tables. */
static bool step_blindly(struct symb_steps *w)
{
    struct cfi_regs *r = &w->regs;
    if (arch_signal_frame(w->sp, w->fp, w->stack[w->on].hi, r->column, &r->known, &r->pc)) {
        w->all = true;
        return arrive_with_registers(w, true);
    }
    return step_by_record(w);
}

static bool in_fault_entry(uintptr_t pc)
{
    enum { FAULT_ENTRY_BYTES = 32 };
    uintptr_t entry = (uintptr_t)arch_fault_entry;
    return pc > entry && pc <= entry + FAULT_ENTRY_BYTES;
}

static bool walk_again(struct symb_steps *w);

static bool step_by_row(struct symb_steps *w, const struct cfi_row *row)
{
    uintptr_t cfa, word, addr = w->ret - 1;
    if (!w->all)
        know_two(w);
    enum cfi_step fate = cfi_apply(row, w->stack, &w->regs, &cfa);
    if (fate == CFI_UNKNOWN && walk_again(w))
        fate = cfi_apply(row, w->stack, &w->regs, &cfa);
    switch (fate) {
    case CFI_OUTERMOST:
        w->whole = true;
        return false;
    case CFI_UNKNOWN:
    case CFI_NONSENSE:
        return step_by_record(w);
    case CFI_CALLER:
        break;
    }
    if (row->signal_frame && in_fault_entry(addr + 1) && cfi_word(w->stack, cfa - 3 * WORD, &word))
        arch_fault_columns(w->regs.column, &w->regs.known, cfa);
    w->all = true;
    return arrive_with_registers(w, row->signal_frame);
}

/* Reads the tables, and remembers what they said. */
static NOINLINE bool step_slow(struct symb_steps *w)
{
    uintptr_t addr = w->ret - 1;
    struct cfi_tables t;
    struct cfi_row row;
    bool stays;
    bool found = cfi_module(addr, &t, &stays) && cfi_find(&t, addr, &row) == CFI_FOUND;
    stays &= addr >> PC_BITS == 0;
    if (stays && found)
        remember(w->ret, pack(&row));
    if (found)
        return step_by_row(w, &row);
    if (w->strict && !w->exact && !stays && !os_may_execute(addr))
        return false;
    uintptr_t ret = w->ret;
    bool ok = step_blindly(w);
    if (stays && ok && !w->all)
        remember(ret, FORM_RECORD);
    return ok;
}

/* A frame wants a register that only a walk by the tables alone knows: from the beginning, or from right
 * here, up to this frame. */
static NOINLINE bool walk_again(struct symb_steps *w)
{
    struct symb_steps again;
    struct context here;
    if (w->anew || w->all)
        return false;
    arch_keep(&here);
    symb_steps_begin(&again, w->has_from ? &w->from : &here, w->has_from && w->from_exact,
                     &w->stack[0], &w->stack[1]);
    again.anew = true;
    while (!(again.sp == w->sp && again.ret == w->ret))
        if (!again.all || !step_slow(&again))
            return false;
    w->regs = again.regs;
    w->all = again.all;
    return again.all;
}

/* ---- one step, fast */
/* The caller of a frame whose cached word is `row`. False: nothing has changed, ask the tables. */
static inline NO_TRACK bool step_cached(uint32_t row, uintptr_t *ret, uintptr_t *sp, uintptr_t *fp,
                                        uintptr_t lo, uintptr_t last)
{
    uintptr_t cfa = ((row & BASE_FP) != 0 ? *fp : *sp) + (uintptr_t)(row >> CFA_SHIFT) * WORD;
    uintptr_t slot = (row >> SLOT_SHIFT & FIELD_MAX) * WORD;
    if (cfa <= *sp || cfa > last + 2 * WORD || cfa % WORD != 0 || slot + WORD > cfa - lo)
        return false;
    switch ((enum form)(row & ((1u << FORM_BITS) - 1))) {
    case FORM_FP_APART:
        *fp = *(const uintptr_t *)(cfa - slot);
        *ret = *(const uintptr_t *)(cfa - WORD);
        break;
    case FORM_FP_BESIDE:
        *fp = *(const uintptr_t *)(cfa - slot - WORD);
        *ret = *(const uintptr_t *)(cfa - slot);
        break;
    case FORM_FP_STAYS:
        *ret = *(const uintptr_t *)(cfa - slot);
        break;
    default:
        return false;
    }
    *ret = arch_code_address(*ret);
    *sp = cfa;
    return true;
}

static inline void moved(struct symb_steps *w, uintptr_t ret, uintptr_t sp, uintptr_t fp)
{
    if (sp == w->sp)
        return;
    w->ret = ret;
    w->sp = w->passed[w->on] = sp;
    w->fp = fp;
    w->exact = w->all = false;
}

/* Goes on while callers stand in frame records that lie behind one another up to `last`. */
static inline NO_TRACK uintptr_t *run_records(uintptr_t *to, const uintptr_t *end, uintptr_t *ret,
                                              uintptr_t *sp, uintptr_t *fp, uintptr_t last)
{
    while (to < end) {
        *to = *ret;
        if (unlikely(!has_record(*ret) || *fp < *sp || *fp > last || *fp % WORD != 0))
            break;
        const uintptr_t *record = (const uintptr_t *)*fp;
        to++;
        *sp = *fp + 2 * WORD;
        *fp = record[0];
        *ret = arch_code_address(record[1]);
    }
    return to;
}

NO_TRACK size_t symb_steps_run(struct symb_steps *w, uintptr_t *pcs, size_t max)
{
    uintptr_t ret = w->ret, sp = w->sp, fp = w->fp;
    uintptr_t lo = w->stack[w->on].lo, last = w->stack[w->on].hi - 2 * WORD;
    uintptr_t *to = pcs, *end = pcs + max;
    if (w->over)
        return 0;
    while ((to = run_records(to, end, &ret, &sp, &fp, last)) < end) {
        if (ret == 0) {
            w->over = true;
            break;
        }
        to++;
        uint64_t row = load_rlx(place_of(ret)) ^ tag_of(ret);
        if (row >> TAG_SHIFT == 0 && step_cached((uint32_t)row, &ret, &sp, &fp, lo, last))
            continue;
        moved(w, ret, sp, fp);
        w->whole = row == FORM_OUTERMOST;
        w->over = w->whole || !step_slow(w);
        if (w->over)
            break;
        ret = w->ret, sp = w->sp, fp = w->fp;
        lo = w->stack[w->on].lo, last = w->stack[w->on].hi - 2 * WORD;
    }
    moved(w, ret, sp, fp);
    return (size_t)(to - pcs);
}

/* ---- beginning and end */
static const struct stack no_stack;

static void begin(struct symb_steps *w, uintptr_t pc, uintptr_t sp, uintptr_t fp,
                  const struct stack *own, const struct stack *other)
{
    w->stack[0] = *own;
    w->stack[1] = other != NULL ? *other : no_stack;
    w->on = sp >= own->lo && sp <= own->hi ? 0 : 1;
    w->passed[1 - w->on] = 0;
    w->passed[w->on] = w->sp = sp;
    w->fp = fp;
    w->ret = pc;
    w->exact = w->all = w->anew = w->has_from = w->whole = w->strict = false;
    const struct stack *on = &w->stack[w->on];
    w->over = pc == 0 || sp < on->lo || sp > on->hi || on->hi - on->lo < 2 * WORD;
}

void symb_steps_caller(struct symb_steps *w, const uintptr_t *record, uintptr_t cfa,
                       const struct stack *own, const struct stack *other)
{
    begin(w, arch_code_address(record[1]), cfa, record[0], own, other);
}

void symb_steps_begin(struct symb_steps *w, const struct context *at, bool exact,
                      const struct stack *own, const struct stack *other)
{
    begin(w, at->pc, at->sp, at->fp, own, other);
    w->ret += exact ? 1 : 0;
    w->exact = w->from_exact = exact;
    w->from = *at;
    w->has_from = w->all = true;
    w->regs.pc = at->pc;
    w->regs.known = arch_context_columns(at, exact, w->regs.column);
}

static bool is_own(uintptr_t pc)
{
    return own_text_has(pc - 1);
}

size_t symb_steps_trim(struct symb_steps *w, const uintptr_t *pcs, size_t n, bool all)
{
    size_t k = n;
    uintptr_t pc;
    while (k > 0 && is_own(pcs[k - 1]))
        k--;
    if (k == n || (k == 0 && !all))
        return n;
    while (symb_steps_run(w, &pc, 1) == 1)
        if (!is_own(pc))
            return n;
    return k;
}

size_t symb_backtrace_whole(const struct context *at, bool exact, const struct stack *own,
                            const struct stack *other, uintptr_t *pcs, size_t max, bool *whole)
{
    struct symb_steps w;
    symb_steps_begin(&w, at, exact, own, other);
    size_t n = symb_steps_run(&w, pcs, max), k = symb_steps_trim(&w, pcs, n, false);
    *whole = k < n;
    return k;
}

size_t symb_backtrace(const struct context *at, bool exact, const struct stack *own,
                      const struct stack *other, uintptr_t *pcs, size_t max)
{
    bool whole;
    return symb_backtrace_whole(at, exact, own, other, pcs, max, &whole);
}

/* The runtime's frames above the program's first are looked for in such steps. */
enum { AHEAD = 8 };

/* Goes over the runtime's frames. The first frames of the program, and what `w` found behind them, are in
 * ahead[*from, k); returns k, 0 when there are none. *entry is the runtime's frame before them. */
static size_t skip_own(struct symb_steps *w, uintptr_t ahead[AHEAD], size_t *from, uintptr_t *entry)
{
    for (;;) {
        size_t k = symb_steps_run(w, ahead, AHEAD), i = 0;
        while (i < k && is_own(ahead[i]))
            *entry = ahead[i++];
        *from = i;
        if (i < k)
            return k;
        if (k < AHEAD)
            return 0;
    }
}

static size_t backtrace_from(const uintptr_t *record, uintptr_t cfa, const struct stack *own,
                             const struct stack *other, bool keep_entry, uintptr_t *pcs, size_t max,
                             bool *whole)
{
    struct symb_steps w;
    uintptr_t entry = 0, ahead[AHEAD];
    size_t n = 0, i, k;
    *whole = false;
    symb_steps_caller(&w, record, cfa, own, other);
    k = skip_own(&w, ahead, &i, &entry);
    if (k == 0) { /* nobody of the program: the runtime itself */
        symb_steps_caller(&w, record, cfa, own, other);
        return symb_steps_run(&w, pcs, max);
    }
    if (keep_entry && entry != 0 && n < max)
        pcs[n++] = entry;
    while (i < k && n < max)
        pcs[n++] = ahead[i++];
    for (; i < k; i++)
        if (!is_own(ahead[i]))
            return n; /* no room, and the program goes on: nothing to trim */
    n += symb_steps_run(&w, pcs + n, max - n);
    size_t left = symb_steps_trim(&w, pcs, n, false);
    *whole = left < n;
    return left;
}

FRAME_OF_ITS_OWN size_t symb_backtrace_here(const struct stack *own, const struct stack *other,
                                            bool keep_entry, uintptr_t *pcs, size_t max)
{
    bool whole;
    return backtrace_from(__builtin_frame_address(0), (uintptr_t)__builtin_dwarf_cfa(), own, other,
                          keep_entry, pcs, max, &whole);
}

FRAME_OF_ITS_OWN size_t symb_backtrace_here_whole(const struct stack *own,
                                                  const struct stack *other, bool keep_entry,
                                                  uintptr_t *pcs, size_t max, bool *whole)
{
    bool found; /* this frame stays: no call in its place */
    size_t n = backtrace_from(__builtin_frame_address(0), (uintptr_t)__builtin_dwarf_cfa(), own,
                              other, keep_entry, pcs, max, &found);
    *whole = found;
    return n;
}

/* From a frame that is not as most are, behind the n that were found. */
static NOINLINE size_t callers_from(uintptr_t ret, uintptr_t sp, uintptr_t fp,
                                    const struct stack *own, const struct stack *other,
                                    uintptr_t *pcs, size_t n, size_t max)
{
    struct symb_steps w;
    begin(&w, ret, sp, fp, own, other);
    n += symb_steps_run(&w, pcs + n, max - n);
    return symb_steps_trim(&w, pcs, n, true);
}

size_t symb_callers(const uintptr_t *record, uintptr_t cfa, const struct stack *own,
                    const struct stack *other, uintptr_t *pcs, size_t max)
{
    uintptr_t ret = arch_code_address(record[1]), sp = cfa, fp = record[0];
    uintptr_t *to = pcs, *end = pcs + max;
    if (likely(sp >= own->lo && sp < own->hi))
        to = run_records(pcs, end, &ret, &sp, &fp, own->hi - 2 * WORD);
    size_t n = (size_t)(to - pcs);
    bool over = to < end && (load_rlx(place_of(ret)) ^ tag_of(ret)) == FORM_OUTERMOST;
    if (unlikely(!over && (to < end || n == 0 || is_own(pcs[n - 1]))))
        return callers_from(ret, sp, fp, own, other, pcs, n, max);
    n += over;
    while (over && n > 0 && is_own(pcs[n - 1]))
        n--;
    return n;
}

/* ---- markers: one behind the address, as all pcs in such lists are */
uintptr_t symb_skip_marker(unsigned drop)
{
    return (uintptr_t)arch_skip_markers + drop + 1;
}

bool symb_is_skip_marker(uintptr_t pc, unsigned *drop)
{
    uintptr_t n = pc - (uintptr_t)arch_skip_markers - 1;
    if (n >= SYMB_SKIP_MAX)
        return false;
    *drop = (unsigned)n;
    return true;
}
