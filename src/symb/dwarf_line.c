/* dwarf_line.c: the line-number program of a unit, run once.
 *
 * Owns    rows (from this address on: that file, that line), sorted; names of files.
 * Holds   instructions of line 0 (of no line: compilers say so of what they made up) belong to the row
 *         before them.
 */
#include "symb/dwarf.h"

#include "symb/dwarf_names.h"

enum { FORMATS_MAX = 16 };

/* The program's header, and the machine that it drives. */
struct program {
    struct dwarf *d;
    struct unit *u;
    struct unit forms; /* sizes that forms in this table have */
    struct bytes b;
    unsigned min_bytes, range, opcode_base;
    int line_base;
    const unsigned char *lengths; /* of standard opcodes */
    struct vec rows, files, dirs;
    /* registers */
    uint64_t addr;
    uint32_t file, line;
    size_t sequence; /* its first row */
    bool unsorted;
};

/* ---- files */
static void file_add(struct program *p, const char *name, uint64_t dir)
{
    struct source *f = vec_add(&p->files);
    if (f == NULL)
        return;
    f->name = name;
    f->dir = dir > 0 && dir < p->dirs.n ? ((const char **)p->dirs.at)[dir] : NULL;
}

static void dir_add(struct program *p, const char *dir)
{
    const char **at = vec_add(&p->dirs);
    if (at != NULL)
        *at = dir;
}

/* One of the two tables of DWARF 5, which describe themselves. */
static void table_since_5(struct program *p, bool files)
{
    uint64_t type[FORMATS_MAX], form[FORMATS_MAX];
    unsigned n = bytes_u8(&p->b);
    for (unsigned i = 0; i < n; i++) {
        uint64_t t = bytes_uleb(&p->b), f = bytes_uleb(&p->b);
        if (i < FORMATS_MAX)
            type[i] = t, form[i] = f;
    }
    uint64_t count = bytes_uleb(&p->b);
    if (n == 0 || n > FORMATS_MAX) {
        bytes_skip(&p->b, count == 0 ? 0 : UINT64_MAX);
        return;
    }
    if (count > bytes_left(&p->b))
        count = bytes_left(&p->b); /* one that takes no room is none */
    for (; count > 0 && !p->b.bad; count--) {
        const char *name = NULL;
        uint64_t dir = 0;
        for (unsigned i = 0; i < n; i++) {
            struct attr a;
            dwarf_attr(&p->forms, &p->b, (unsigned)form[i], 0, &a);
            if (type[i] == DW_LNCT_path)
                name = dwarf_text(p->d, p->u, &a);
            else if (type[i] == DW_LNCT_directory_index)
                dir = a.v;
        }
        if (files)
            file_add(p, name, dir);
        else
            dir_add(p, name);
    }
}

static void tables_before_5(struct program *p)
{
    dir_add(p, NULL); /* 0: the unit's */
    while (!p->b.bad) {
        const char *dir = bytes_text(&p->b);
        if (dir[0] == '\0')
            break;
        dir_add(p, dir);
    }
    file_add(p, NULL, 0); /* 0: none */
    while (!p->b.bad) {
        const char *name = bytes_text(&p->b);
        if (name[0] == '\0')
            return;
        uint64_t dir = bytes_uleb(&p->b);
        (void)bytes_uleb(&p->b); /* when it was written */
        (void)bytes_uleb(&p->b); /* its length */
        file_add(p, name, dir);
    }
}

/* ---- the machine */
/* Ends come before what begins at the same address. */
static bool row_less(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    if (x->addr != y->addr)
        return x->addr < y->addr;
    return x->file == ROW_END && y->file != ROW_END;
}

static inline void row_add(struct program *p, uint32_t file)
{
    if (p->line == 0 && file != ROW_END)
        return;
    struct row *last = p->rows.n > p->sequence ? (struct row *)p->rows.at + p->rows.n - 1 : NULL;
    if (last != NULL && last->file == file && last->line == p->line && last->addr <= p->addr)
        return;
    struct row *r = vec_more(&p->rows, sizeof *r);
    if (r == NULL)
        return;
    *r = (struct row){.addr = p->addr, .line = p->line, .file = file};
    p->unsorted |= p->rows.n > 1 && row_less(r, r - 1);
}

static void sequence_begin(struct program *p)
{
    p->addr = 0;
    p->file = 1;
    p->line = 1;
    p->sequence = p->rows.n;
}

/* What the linker threw away begins at 0. */
static void sequence_end(struct program *p)
{
    const struct row *rows = p->rows.at;
    if (p->rows.n > p->sequence && rows[p->sequence].addr == 0)
        p->rows.n = p->sequence;
    else if (p->rows.n > p->sequence)
        row_add(p, ROW_END);
    sequence_begin(p);
}

static void advance(struct program *p, uint64_t ops)
{
    p->addr +=
        ops * p->min_bytes; /* no machine of ours has several operations in one instruction */
}

static inline void special(struct program *p, unsigned opcode)
{
    unsigned n = opcode - p->opcode_base;
    advance(p, n / p->range);
    p->line = (uint32_t)((int64_t)p->line + p->line_base + (int)(n % p->range));
    row_add(p, p->file);
}

static void extended(struct program *p)
{
    uint64_t n = bytes_uleb(&p->b);
    if (!bytes_need(&p->b, n) || n == 0)
        return;
    struct bytes b = {.at = p->b.at, .end = p->b.at + n};
    p->b.at += n;
    switch (bytes_u8(&b)) {
    case DW_LNE_end_sequence:
        sequence_end(p);
        break;
    case DW_LNE_set_address:
        p->addr = n - 1 <= 8 ? bytes_uint(&b, (unsigned)n - 1) : 0;
        break;
    default:
        break;
    }
}

/* One case for each standard opcode that changes something, or is frequent. */
static inline void standard(struct program *p, unsigned opcode)
{
    switch (opcode) {
    case DW_LNS_copy:
        row_add(p, p->file);
        return;
    case DW_LNS_advance_pc:
        advance(p, bytes_uleb(&p->b));
        return;
    case DW_LNS_advance_line:
        p->line = (uint32_t)((int64_t)p->line + bytes_sleb(&p->b));
        return;
    case DW_LNS_set_file:
        p->file = (uint32_t)bytes_uleb(&p->b);
        return;
    case DW_LNS_set_column:
        (void)bytes_uleb(&p->b);
        return;
    case DW_LNS_negate_stmt:
        return;
    case DW_LNS_const_add_pc:
        advance(p, (255 - p->opcode_base) / p->range);
        return;
    case DW_LNS_fixed_advance_pc:
        p->addr += bytes_uint(&p->b, 2);
        return;
    default:
        for (unsigned i = p->lengths[opcode - 1]; i > 0; i--)
            (void)bytes_uleb(&p->b);
    }
}

static void run(struct program *p)
{
    sequence_begin(p);
    while (bytes_left(&p->b) > 0 && !p->rows.failed) {
        unsigned opcode = bytes_u8(&p->b);
        if (opcode >= p->opcode_base)
            special(p, opcode);
        else if (opcode == 0)
            extended(p);
        else
            standard(p, opcode);
    }
    p->rows.n = p->sequence; /* without an end, it is not one */
}

/* False when nothing can be made of it. */
static bool header(struct program *p)
{
    struct bytes *b = &p->b;
    uint64_t length = bytes_uint(b, 4);
    if (b->bad)
        return false;
    unsigned off = length == UINT32_MAX ? 8 : 4;
    if (off == 8)
        length = bytes_uint(b, 8);
    if (length > bytes_left(b))
        return false;
    b->end = b->at + length;
    unsigned version = (unsigned)bytes_uint(b, 2);
    p->forms.version = (uint8_t)version;
    p->forms.off_bytes = (uint8_t)off;
    p->forms.addr_bytes = version >= 5 ? bytes_u8(b) : p->u->addr_bytes;
    if (version >= 5)
        (void)bytes_u8(b); /* segment selectors */
    uint64_t rest = bytes_uint(b, off);
    if (version < 2 || version > 5 || p->forms.addr_bytes > 8 || rest > bytes_left(b))
        return false;
    const unsigned char *start = b->at + rest;
    p->min_bytes = bytes_u8(b);
    if (version >= 4)
        (void)bytes_u8(b); /* operations per instruction: 1 */
    (void)bytes_u8(b);     /* is_stmt */
    p->line_base = (int8_t)bytes_u8(b);
    p->range = bytes_u8(b);
    p->opcode_base = bytes_u8(b);
    p->lengths = b->at;
    if (p->range == 0 || p->opcode_base == 0)
        return false;
    bytes_skip(b, p->opcode_base - 1u);
    if (b->bad)
        return false;
    if (version >= 5) {
        table_since_5(p, false);
        table_since_5(p, true);
    } else {
        tables_before_5(p);
    }
    b->at = start;
    b->bad = false;
    return true;
}

static void lines_read(struct dwarf *d, struct unit *u)
{
    u->lines_read = true;
    if (!u->has_lines)
        return;
    struct program p = {.d = d,
                        .u = u,
                        .b = bytes_from(d->line, u->stmt_list),
                        .rows = VEC_OF(struct row),
                        .files = VEC_OF(struct source),
                        .dirs = VEC_OF(const char *)};
    if (header(&p))
        run(&p);
    if (p.unsorted && !pool_sort(p.rows.at, p.rows.n, sizeof(struct row), row_less))
        p.rows.n = 0;
    struct lines l = {.nrows = p.rows.n, .nfiles = p.files.n};
    l.rows = vec_keep(&p.rows, d->pool);
    l.files = vec_keep(&p.files, d->pool);
    vec_drop(&p.dirs);
    l.nrows = l.rows != NULL ? l.nrows : 0;
    l.nfiles = l.files != NULL ? l.nfiles : 0;
    u->lines = l;
}

struct row dwarf_line_at(struct dwarf *d, struct unit *u, uint64_t addr)
{
    static const struct row unknown = {.file = ROW_END};
    if (!u->lines_read)
        lines_read(d, u);
    size_t lo = 0, hi = u->lines.nrows;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (u->lines.rows[mid].addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo > 0 && u->lines.rows[lo - 1].file != ROW_END ? u->lines.rows[lo - 1] : unknown;
}

struct source *dwarf_source(struct dwarf *d, struct unit *u, uint64_t file)
{
    if (!u->lines_read)
        lines_read(d, u);
    return file < u->lines.nfiles ? &u->lines.files[file] : NULL;
}
