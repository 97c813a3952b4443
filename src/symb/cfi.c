/* cfi.c: what .eh_frame says about the frame of one instruction.
 *
 * Owns    reading .eh_frame_hdr, its sorted table, one FDE and the CIE it belongs to, and running their
 *         instructions up to one address. The result is a row (cfi.h).
 * Holds   1. Nothing is trusted: a byte is read only below a cursor's end, which lies in the module's
 *            mapped segment.
 *         2. Each loop consumes bytes of the table, so a broken one ends, too.
 * Locks   none. SIGSAFE: 1 KiB of stack.
 * Instead of libunwind: it takes the loader's lock for each frame, reads through pointers that it has not
 *         checked, and is not there on every machine (docs/decisions/0011-own-unwind-tables.md).
 */
#include "symb/cfi.h"

#include <string.h>

/* ---- bytes */
struct cursor {
    const uint8_t *p, *end;
    bool bad; /* something was read behind the end; all that is read from then on is 0 */
};

static bool take(struct cursor *c, void *to, size_t n)
{
    memset(to, 0, n);
    if (c->bad || (size_t)(c->end - c->p) < n) {
        c->bad = true;
        return false;
    }
    memcpy(to, c->p, n);
    c->p += n;
    return true;
}

static uint8_t take_u8(struct cursor *c)
{
    uint8_t v;
    take(c, &v, sizeof v);
    return v;
}

static uint16_t take_u16(struct cursor *c)
{
    uint16_t v;
    take(c, &v, sizeof v);
    return v;
}

static uint32_t take_u32(struct cursor *c)
{
    uint32_t v;
    take(c, &v, sizeof v);
    return v;
}

static uint64_t take_u64(struct cursor *c)
{
    uint64_t v;
    take(c, &v, sizeof v);
    return v;
}

/* DWARF's numbers of any length; `sign`: the signed ones. */
static uint64_t take_leb(struct cursor *c, bool sign)
{
    uint64_t v = 0;
    unsigned shift = 0;
    uint8_t byte;
    do {
        byte = take_u8(c);
        if (shift < 64)
            v |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while ((byte & 0x80) != 0);
    if (sign && shift < 64 && (byte & 0x40) != 0)
        v |= ~(uint64_t)0 << shift;
    return v;
}

static uint64_t take_uleb(struct cursor *c)
{
    return take_leb(c, false);
}

static int64_t take_sleb(struct cursor *c)
{
    return (int64_t)take_leb(c, true);
}

static const uint8_t *skip(struct cursor *c, uint64_t n)
{
    const uint8_t *at = c->p;
    if (c->bad || (uint64_t)(c->end - c->p) < n)
        c->bad = true;
    else
        c->p += n;
    return at;
}

/* ---- pointers as exception tables write them */
enum {
    PE_ABS = 0x00,
    PE_ULEB = 0x01,
    PE_U16 = 0x02,
    PE_U32 = 0x03,
    PE_U64 = 0x04,
    PE_SLEB = 0x09,
    PE_S16 = 0x0a,
    PE_S32 = 0x0b,
    PE_S64 = 0x0c,
    PE_FORM = 0x0f,
    PE_PCREL = 0x10,
    PE_DATAREL = 0x30,
    PE_INDIRECT = 0x80,
    PE_OMIT = 0xff,
};

static uint64_t take_form(struct cursor *c, uint8_t form)
{
    switch (form) {
    case PE_ABS:
    case PE_U64:
    case PE_S64:
        return take_u64(c);
    case PE_ULEB:
        return take_uleb(c);
    case PE_SLEB:
        return (uint64_t)take_sleb(c);
    case PE_U16:
        return take_u16(c);
    case PE_S16:
        return (uint64_t)(int64_t)(int16_t)take_u16(c);
    case PE_U32:
        return take_u32(c);
    case PE_S32:
        return (uint64_t)(int64_t)(int32_t)take_u32(c);
    default:
        c->bad = true;
        return 0;
    }
}

static uintptr_t take_pointer(struct cursor *c, uint8_t encoding, const uint8_t *data)
{
    uintptr_t at = (uintptr_t)c->p;
    uint64_t v = take_form(c, encoding & PE_FORM);
    switch (encoding & ~PE_FORM) {
    case PE_ABS:
        return v;
    case PE_PCREL:
        return at + v;
    case PE_DATAREL:
        return (uintptr_t)data + v;
    default:
        c->bad = true; /* PE_INDIRECT: never an address of code; others: no compiler writes them */
        return 0;
    }
}

/* ---- entries */
struct cie {
    uint64_t code_align;
    int64_t data_align;
    uint8_t pc_column;
    uint8_t pointers; /* encoding of addresses in its FDEs */
    bool augmented;   /* its FDEs have a block of their own before the instructions */
    bool signal_frame;
    struct cursor program;
};

struct fde {
    struct cie cie;
    uintptr_t lo, bytes; /* of code */
    struct cursor program;
};

static bool in_frames(const struct cfi_tables *t, const uint8_t *p)
{
    return p >= t->frames_lo && p < t->frames_hi;
}

/* The body of the entry at `p`, behind its length; empty for the terminator, and for one of 4 GiB and more,
 * which nobody writes. */
static struct cursor entry_body(const struct cfi_tables *t, const uint8_t *p)
{
    struct cursor c = {.p = p, .end = t->frames_hi, .bad = !in_frames(t, p)};
    uint32_t n = take_u32(&c);
    if (c.bad || n >= 0xfffffff0u || n > (size_t)(c.end - c.p))
        return (struct cursor){.p = p, .end = p, .bad = true};
    c.end = c.p + n;
    return c;
}

static void read_augmentation(struct cie *cie, struct cursor *c, const char *letters)
{
    uint64_t n = take_uleb(c);
    struct cursor block = {.p = c->p, .end = c->p, .bad = c->bad};
    skip(c, n);
    block.end = c->p;
    block.bad = c->bad;
    for (const char *l = letters; *l != '\0'; l++) {
        uint8_t encoding;
        switch (*l) {
        case 'R':
            cie->pointers = take_u8(&block);
            break;
        case 'L':
            take_u8(&block);
            break;
        case 'P':
            encoding = take_u8(&block);
            take_form(&block, encoding & PE_FORM);
            break;
        case 'S':
            cie->signal_frame = true;
            break;
        case 'B': /* arm64: the other key signs */
        case 'G': /* arm64: the frame is tagged */
            break;
        default:
            block.bad = true;
        }
    }
    if (block.bad)
        c->bad = true;
}

static bool read_cie(const struct cfi_tables *t, const uint8_t *p, struct cie *cie)
{
    enum { LETTERS = 8 };
    char letters[LETTERS] = "";
    struct cursor c = entry_body(t, p);
    uint32_t id = take_u32(&c);
    uint8_t version = take_u8(&c);
    size_t n = 0;
    do
        letters[n] = (char)take_u8(&c);
    while (letters[n] != '\0' && ++n < LETTERS);
    if (c.bad || n == LETTERS || id != 0 || (version != 1 && version != 3))
        return false;
    *cie = (struct cie){.augmented = letters[0] == 'z', .pointers = PE_ABS};
    if (letters[0] != '\0' && letters[0] != 'z')
        return false;
    cie->code_align = take_uleb(&c);
    cie->data_align = take_sleb(&c);
    uint64_t column = version == 1 ? take_u8(&c) : take_uleb(&c);
    if (cie->augmented)
        read_augmentation(cie, &c, letters + 1);
    cie->pc_column = (uint8_t)column;
    cie->program = c;
    return !c.bad && column < ARCH_CFI_COLUMNS;
}

/* False also for a CIE. */
static bool read_fde(const struct cfi_tables *t, const uint8_t *p, struct fde *f)
{
    struct cursor c = entry_body(t, p);
    const uint8_t *at = c.p;
    uint32_t back = take_u32(&c);
    if (c.bad || back == 0 || back > (size_t)(at - t->frames_lo) ||
        !read_cie(t, at - back, &f->cie))
        return false;
    f->lo = take_pointer(&c, f->cie.pointers, NULL);
    f->bytes = take_form(&c, f->cie.pointers & PE_FORM);
    if (f->cie.augmented)
        skip(&c, take_uleb(&c));
    f->program = c;
    return !c.bad;
}

/* ---- instructions */
enum {
    CFA_ADVANCE = 0x40, /* the upper two bits; the lower six are an operand */
    CFA_OFFSET = 0x80,
    CFA_RESTORE = 0xc0,
    CFA_NOP = 0x00,
    CFA_SET_LOC = 0x01,
    CFA_ADVANCE1 = 0x02,
    CFA_ADVANCE2 = 0x03,
    CFA_ADVANCE4 = 0x04,
    CFA_OFFSET_EXTENDED = 0x05,
    CFA_RESTORE_EXTENDED = 0x06,
    CFA_UNDEFINED = 0x07,
    CFA_SAME_VALUE = 0x08,
    CFA_REGISTER = 0x09,
    CFA_REMEMBER = 0x0a,
    CFA_RESTORE_STATE = 0x0b,
    CFA_DEF_CFA = 0x0c,
    CFA_DEF_CFA_REGISTER = 0x0d,
    CFA_DEF_CFA_OFFSET = 0x0e,
    CFA_DEF_CFA_EXPRESSION = 0x0f,
    CFA_EXPRESSION = 0x10,
    CFA_OFFSET_EXTENDED_SF = 0x11,
    CFA_DEF_CFA_SF = 0x12,
    CFA_DEF_CFA_OFFSET_SF = 0x13,
    CFA_VAL_OFFSET = 0x14,
    CFA_VAL_OFFSET_SF = 0x15,
    CFA_VAL_EXPRESSION = 0x16,
    CFA_NEGATE_RA_STATE = 0x2d, /* arm64: the return address is signed from here on, or no more */
    CFA_ARGS_SIZE = 0x2e,
    CFA_NEGATIVE_OFFSET = 0x2f,
};

enum { REMEMBERED = 4 };

struct machine {
    const struct cie *cie;
    struct cursor c;
    uintptr_t at, until;
    struct cfi_row *row;
    const struct cfi_rule
        *initial; /* what the CIE's instructions left, for RESTORE; NULL while they run */
    unsigned depth;
    struct saved {
        bool cfa_by_expr;
        uint8_t cfa_column;
        int32_t cfa_value;
        struct cfi_rule rule[ARCH_CFI_COLUMNS];
    } saved[REMEMBERED];
};

static int32_t small(struct machine *m, int64_t v)
{
    if (v < INT32_MIN || v > INT32_MAX) {
        m->c.bad = true;
        return 0;
    }
    return (int32_t)v;
}

/* An operand times the CIE's factor; both come from the table. */
static int32_t factored(struct machine *m, int64_t v)
{
    int64_t r;
    if (__builtin_mul_overflow(v, m->cie->data_align, &r))
        m->c.bad = true, r = 0;
    return small(m, r);
}

static void set_rule(struct machine *m, uint64_t column, enum cfi_kind kind, int32_t value)
{
    if (column < ARCH_CFI_COLUMNS) /* others: vectors and the like, which no walk wants */
        m->row->rule[column] = (struct cfi_rule){.kind = (uint8_t)kind, .value = value};
}

static void restore_rule(struct machine *m, uint64_t column)
{
    struct cfi_rule r = {.kind = CFI_SAME};
    if (m->initial != NULL && column < ARCH_CFI_COLUMNS)
        r = m->initial[column];
    set_rule(m, column, (enum cfi_kind)r.kind, r.value);
}

/* An expression stands in the table as a length and its bytes. */
static int32_t block(struct machine *m)
{
    int32_t at = small(m, m->c.p - m->row->base);
    skip(&m->c, take_uleb(&m->c));
    return at;
}

static void def_cfa(struct machine *m, uint64_t column, int32_t offset)
{
    if (column >= ARCH_CFI_COLUMNS)
        m->c.bad = true;
    m->row->cfa_by_expr = false;
    m->row->cfa_column = (uint8_t)column;
    m->row->cfa_value = offset;
}

static void remember(struct machine *m)
{
    if (m->depth == REMEMBERED) {
        m->c.bad = true;
        return;
    }
    struct saved *s = &m->saved[m->depth++];
    s->cfa_by_expr = m->row->cfa_by_expr;
    s->cfa_column = m->row->cfa_column;
    s->cfa_value = m->row->cfa_value;
    memcpy(s->rule, m->row->rule, sizeof s->rule);
}

static void restore_state(struct machine *m)
{
    if (m->depth == 0) {
        m->c.bad = true;
        return;
    }
    const struct saved *s = &m->saved[--m->depth];
    m->row->cfa_by_expr = s->cfa_by_expr;
    m->row->cfa_column = s->cfa_column;
    m->row->cfa_value = s->cfa_value;
    memcpy(m->row->rule, s->rule, sizeof s->rule);
}

static void advance(struct machine *m, uint64_t units)
{
    uint64_t bytes;
    if (__builtin_mul_overflow(units, m->cie->code_align, &bytes) ||
        __builtin_add_overflow(m->at, bytes, &m->at))
        m->at = UINTPTR_MAX;
}

/* A flat switch, because DWARF's list of instructions is one. Operands are read in the order of the table,
 * which a call's arguments need not be. */
static void run_extended(struct machine *m, uint8_t op)
{
    struct cursor *c = &m->c;
    uint64_t column;
    switch (op) {
    case CFA_NOP:
    case CFA_NEGATE_RA_STATE:
        break;
    case CFA_SET_LOC:
        m->at = take_pointer(c, m->cie->pointers, NULL);
        break;
    case CFA_ADVANCE1:
        advance(m, take_u8(c));
        break;
    case CFA_ADVANCE2:
        advance(m, take_u16(c));
        break;
    case CFA_ADVANCE4:
        advance(m, take_u32(c));
        break;
    case CFA_OFFSET_EXTENDED:
        column = take_uleb(c);
        set_rule(m, column, CFI_OFFSET, factored(m, (int64_t)take_uleb(c)));
        break;
    case CFA_OFFSET_EXTENDED_SF:
        column = take_uleb(c);
        set_rule(m, column, CFI_OFFSET, factored(m, take_sleb(c)));
        break;
    case CFA_NEGATIVE_OFFSET:
        column = take_uleb(c);
        set_rule(m, column, CFI_OFFSET, factored(m, -small(m, (int64_t)take_uleb(c))));
        break;
    case CFA_VAL_OFFSET:
        column = take_uleb(c);
        set_rule(m, column, CFI_VAL_OFFSET, factored(m, (int64_t)take_uleb(c)));
        break;
    case CFA_VAL_OFFSET_SF:
        column = take_uleb(c);
        set_rule(m, column, CFI_VAL_OFFSET, factored(m, take_sleb(c)));
        break;
    case CFA_RESTORE_EXTENDED:
        restore_rule(m, take_uleb(c));
        break;
    case CFA_UNDEFINED:
        set_rule(m, take_uleb(c), CFI_UNDEFINED, 0);
        break;
    case CFA_SAME_VALUE:
        set_rule(m, take_uleb(c), CFI_SAME, 0);
        break;
    case CFA_REGISTER:
        column = take_uleb(c);
        set_rule(m, column, CFI_COLUMN, small(m, (int64_t)take_uleb(c)));
        break;
    case CFA_EXPRESSION:
        column = take_uleb(c);
        set_rule(m, column, CFI_EXPR, block(m));
        break;
    case CFA_VAL_EXPRESSION:
        column = take_uleb(c);
        set_rule(m, column, CFI_VAL_EXPR, block(m));
        break;
    case CFA_REMEMBER:
        remember(m);
        break;
    case CFA_RESTORE_STATE:
        restore_state(m);
        break;
    case CFA_DEF_CFA:
        column = take_uleb(c);
        def_cfa(m, column, small(m, (int64_t)take_uleb(c)));
        break;
    case CFA_DEF_CFA_SF:
        column = take_uleb(c);
        def_cfa(m, column, factored(m, take_sleb(c)));
        break;
    case CFA_DEF_CFA_REGISTER:
        def_cfa(m, take_uleb(c), m->row->cfa_value);
        break;
    case CFA_DEF_CFA_OFFSET:
        m->row->cfa_value = small(m, (int64_t)take_uleb(c));
        break;
    case CFA_DEF_CFA_OFFSET_SF:
        m->row->cfa_value = factored(m, take_sleb(c));
        break;
    case CFA_DEF_CFA_EXPRESSION:
        m->row->cfa_by_expr = true;
        m->row->cfa_value = block(m);
        break;
    case CFA_ARGS_SIZE:
        take_uleb(c);
        break;
    default:
        c->bad = true;
    }
}

/* Runs instructions as long as they tell about addresses up to m->until. */
static bool run(struct machine *m)
{
    while (m->c.p < m->c.end && !m->c.bad && m->at <= m->until) {
        uint8_t op = take_u8(&m->c);
        uint64_t low = op & 0x3f;
        switch (op & 0xc0) {
        case CFA_ADVANCE:
            advance(m, low);
            break;
        case CFA_OFFSET:
            set_rule(m, low, CFI_OFFSET, factored(m, (int64_t)take_uleb(&m->c)));
            break;
        case CFA_RESTORE:
            restore_rule(m, low);
            break;
        default:
            run_extended(m, op);
        }
    }
    return !m->c.bad;
}

static bool row_of(const struct cfi_tables *t, const struct fde *f, uintptr_t addr,
                   struct cfi_row *row)
{
    struct machine m = {
        .cie = &f->cie, .c = f->cie.program, .at = f->lo, .until = addr, .row = row};
    struct cfi_rule initial[ARCH_CFI_COLUMNS];
    memset(row, 0, sizeof *row);
    row->signal_frame = f->cie.signal_frame;
    row->pc_column = f->cie.pc_column;
    row->base = t->frames_lo;
    row->end = t->frames_hi;
    if (!run(&m))
        return false;
    memcpy(initial, row->rule, sizeof initial);
    m.initial = initial;
    m.c = f->program;
    m.at = f->lo;
    return run(&m);
}

/* ---- finding the FDE of an address */
struct sorted {
    int32_t code, entry; /* both from the header's beginning */
};

static struct sorted sorted_at(const uint8_t *table, size_t i)
{
    struct sorted s;
    memcpy(&s, table + i * sizeof s, sizeof s);
    return s;
}

/* Where the last entry that begins at or before `addr` stands; NULL: none. */
static const uint8_t *search_sorted(const uint8_t *header, const uint8_t *table, size_t n,
                                    uintptr_t addr)
{
    size_t lo = 0, hi = n; /* entries below lo begin at or before addr, from hi on behind it */
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if ((uintptr_t)header + (uintptr_t)(intptr_t)sorted_at(table, mid).code <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0)
        return NULL;
    return (const uint8_t *)((uintptr_t)header +
                             (uintptr_t)(intptr_t)sorted_at(table, lo - 1).entry);
}

static bool covers(const struct fde *f, uintptr_t addr)
{
    return addr - f->lo < f->bytes;
}

/* All entries in their order: for static programs, whose linker writes no sorted table unless asked. */
static bool search_all(const struct cfi_tables *t, const uint8_t *frames, uintptr_t addr,
                       struct fde *f)
{
    for (const uint8_t *p = frames; in_frames(t, p);) {
        struct cursor c = entry_body(t, p);
        if (c.bad || c.p == c.end)
            return false;
        if (read_fde(t, p, f) && covers(f, addr))
            return true;
        p = c.end;
    }
    return false;
}

static enum cfi_found find_fde(const struct cfi_tables *t, uintptr_t addr, struct fde *f)
{
    if (t->header == NULL)
        return search_all(t, t->frames, addr, f) ? CFI_FOUND : CFI_NO_ENTRY;
    struct cursor c = {.p = t->header, .end = t->header_end};
    uint8_t version = take_u8(&c), frames_form = take_u8(&c), count_form = take_u8(&c),
            table_form = take_u8(&c);
    uintptr_t frames = take_pointer(&c, frames_form, t->header);
    if (c.bad || version != 1)
        return CFI_BROKEN;
    if (table_form != (PE_DATAREL | PE_S32) || count_form == PE_OMIT)
        return search_all(t, (const uint8_t *)frames, addr, f) ? CFI_FOUND : CFI_NO_ENTRY;
    uintptr_t n = take_pointer(&c, count_form, t->header);
    if (c.bad || n > (size_t)(c.end - c.p) / sizeof(struct sorted))
        return CFI_BROKEN;
    const uint8_t *p = search_sorted(t->header, c.p, n, addr);
    if (p == NULL)
        return CFI_NO_ENTRY;
    if (!read_fde(t, p, f))
        return CFI_BROKEN;
    return covers(f, addr) ? CFI_FOUND : CFI_NO_ENTRY;
}

enum cfi_found cfi_find(const struct cfi_tables *t, uintptr_t addr, struct cfi_row *row)
{
    struct fde f;
    enum cfi_found found = find_fde(t, addr, &f);
    if (found != CFI_FOUND)
        return found;
    return row_of(t, &f, addr, row) ? CFI_FOUND : CFI_BROKEN;
}
