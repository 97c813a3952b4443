/* dwarf.c: units and attributes.
 *
 * Holds   d->work only falls; at 0 nothing more is read from this file. What could be read again and
 *         again because many entries point to it (abbreviations, range lists) is paid from it.
 */
#include "symb/dwarf.h"

#include "symb/dwarf_names.h"

enum { WORK_PER_BYTE = 8, WORK_LEAST = 1 << 20 };

bool dwarf_work(struct dwarf *d, uint64_t n)
{
    d->work -= (int64_t)n;
    return d->work > 0;
}

/* ---- attributes */
static void attr_fixed(const struct unit *u, struct bytes *b, unsigned bytes, enum attr_kind kind,
                       struct attr *a)
{
    (void)u;
    a->v = bytes_uint(b, bytes);
    a->kind = kind;
}

static void attr_block(struct bytes *b, uint64_t n, struct attr *a)
{
    bytes_skip(b, n);
    a->kind = ATTR_BLOCK;
}

static void attr_ref(const struct unit *u, uint64_t v, struct attr *a)
{
    a->kind = ATTR_REF;
    a->v = v + u->at;
}

static void attr_alt(const struct unit *u, struct bytes *b, enum attr_kind kind, struct attr *a)
{
    attr_fixed(u, b, u->off_bytes, kind, a);
    a->alt = true;
}

/* One case for each form. */
void dwarf_attr(const struct unit *u, struct bytes *b, unsigned form, int64_t implicit,
                struct attr *a)
{
    *a = (struct attr){.kind = ATTR_NONE};
    switch (form) {
    case DW_FORM_addr:
        attr_fixed(u, b, u->addr_bytes, ATTR_ADDRESS, a);
        break;
    case DW_FORM_data1:
    case DW_FORM_flag:
        attr_fixed(u, b, 1, ATTR_NUMBER, a);
        break;
    case DW_FORM_data2:
        attr_fixed(u, b, 2, ATTR_NUMBER, a);
        break;
    case DW_FORM_data4:
        attr_fixed(u, b, 4, ATTR_NUMBER, a);
        break;
    case DW_FORM_data8:
        attr_fixed(u, b, 8, ATTR_NUMBER, a);
        break;
    case DW_FORM_data16:
        attr_block(b, 16, a);
        break;
    case DW_FORM_sec_offset:
        attr_fixed(u, b, u->off_bytes, ATTR_NUMBER, a);
        break;
    case DW_FORM_udata:
        a->v = bytes_uleb(b);
        a->kind = ATTR_NUMBER;
        break;
    case DW_FORM_sdata:
        a->v = (uint64_t)bytes_sleb(b);
        a->kind = ATTR_NUMBER;
        break;
    case DW_FORM_implicit_const:
        a->v = (uint64_t)implicit;
        a->kind = ATTR_NUMBER;
        break;
    case DW_FORM_flag_present:
        a->v = 1;
        a->kind = ATTR_NUMBER;
        break;
    case DW_FORM_string:
        a->text = bytes_text(b);
        a->kind = ATTR_TEXT;
        break;
    case DW_FORM_strp:
        attr_fixed(u, b, u->off_bytes, ATTR_STR, a);
        break;
    case DW_FORM_line_strp:
        attr_fixed(u, b, u->off_bytes, ATTR_LINE_STR, a);
        break;
    case DW_FORM_strp_sup:
    case DW_FORM_GNU_strp_alt:
        attr_alt(u, b, ATTR_STR, a);
        break;
    case DW_FORM_strx:
    case DW_FORM_GNU_str_index:
        a->v = bytes_uleb(b);
        a->kind = ATTR_STR_INDEX;
        break;
    case DW_FORM_strx1:
    case DW_FORM_strx2:
    case DW_FORM_strx3:
    case DW_FORM_strx4:
        attr_fixed(u, b, form - DW_FORM_strx1 + 1, ATTR_STR_INDEX, a);
        break;
    case DW_FORM_addrx:
    case DW_FORM_GNU_addr_index:
        a->v = bytes_uleb(b);
        a->kind = ATTR_INDEX;
        break;
    case DW_FORM_addrx1:
    case DW_FORM_addrx2:
    case DW_FORM_addrx3:
    case DW_FORM_addrx4:
        attr_fixed(u, b, form - DW_FORM_addrx1 + 1, ATTR_INDEX, a);
        break;
    case DW_FORM_rnglistx:
        a->v = bytes_uleb(b);
        a->kind = ATTR_LIST_INDEX;
        break;
    case DW_FORM_loclistx:
        (void)bytes_uleb(b);
        break;
    case DW_FORM_ref1:
        attr_ref(u, bytes_uint(b, 1), a);
        break;
    case DW_FORM_ref2:
        attr_ref(u, bytes_uint(b, 2), a);
        break;
    case DW_FORM_ref4:
        attr_ref(u, bytes_uint(b, 4), a);
        break;
    case DW_FORM_ref8:
        attr_ref(u, bytes_uint(b, 8), a);
        break;
    case DW_FORM_ref_udata:
        attr_ref(u, bytes_uleb(b), a);
        break;
    case DW_FORM_ref_addr:
        attr_fixed(u, b, u->version == 2 ? u->addr_bytes : u->off_bytes, ATTR_REF, a);
        break;
    case DW_FORM_ref_sup4:
        attr_fixed(u, b, 4, ATTR_REF_ALT, a);
        break;
    case DW_FORM_ref_sup8:
        attr_fixed(u, b, 8, ATTR_REF_ALT, a);
        break;
    case DW_FORM_GNU_ref_alt:
        attr_alt(u, b, ATTR_REF_ALT, a);
        break;
    case DW_FORM_ref_sig8:
        attr_block(b, 8, a);
        break;
    case DW_FORM_block1:
        attr_block(b, bytes_u8(b), a);
        break;
    case DW_FORM_block2:
        attr_block(b, bytes_uint(b, 2), a);
        break;
    case DW_FORM_block4:
        attr_block(b, bytes_uint(b, 4), a);
        break;
    case DW_FORM_block:
    case DW_FORM_exprloc:
        attr_block(b, bytes_uleb(b), a);
        break;
    case DW_FORM_indirect:
        form = (unsigned)bytes_uleb(b);
        if (form == DW_FORM_indirect || form == DW_FORM_implicit_const)
            bytes_need(b, UINT64_MAX);
        else
            dwarf_attr(u, b, form, 0, a);
        break;
    default: /* how long it is, nobody knows */
        bytes_need(b, UINT64_MAX);
        break;
    }
}

static uint64_t entry_of_table(struct part p, uint64_t base, uint64_t index, unsigned each,
                               bool *bad)
{
    if (index > p.n || base > p.n) {
        *bad = true;
        return 0;
    }
    struct bytes b = bytes_from(p, base + index * each);
    uint64_t v = bytes_uint(&b, each);
    *bad = b.bad;
    return v;
}

const char *dwarf_text(struct dwarf *d, const struct unit *u, const struct attr *a)
{
    bool bad = false;
    uint64_t v = a->v;
    switch (a->kind) {
    case ATTR_TEXT:
        return a->text;
    case ATTR_LINE_STR:
        return part_text(d->line_str, v);
    case ATTR_STR:
        return !a->alt ? part_text(d->str, v) : d->alt != NULL ? part_text(d->alt->str, v) : NULL;
    case ATTR_STR_INDEX:
        v = entry_of_table(d->str_offsets, u->str_offsets_base, v, u->off_bytes, &bad);
        return bad ? NULL : part_text(d->str, v);
    default:
        return NULL;
    }
}

static uint64_t indexed_address(struct dwarf *d, const struct unit *u, uint64_t index)
{
    bool bad = false;
    uint64_t v = entry_of_table(d->addr, u->addr_base, index, u->addr_bytes, &bad);
    return bad ? 0 : v;
}

uint64_t dwarf_address(struct dwarf *d, const struct unit *u, const struct attr *a)
{
    return a->kind == ATTR_ADDRESS ? a->v : a->kind == ATTR_INDEX ? indexed_address(d, u, a->v) : 0;
}

/* ---- lists of ranges */
struct list {
    struct spans *spans;
    uint32_t what;
    uint64_t first;
};

static void list_add(struct list *l, uint64_t lo, uint64_t hi)
{
    if (lo != 0 && lo < hi && l->first == 0)
        l->first = lo;
    if (l->spans != NULL)
        spans_add(l->spans, lo, hi, l->what);
}

static void list_before_5(struct dwarf *d, const struct unit *u, uint64_t at, struct list *l)
{
    struct bytes b = bytes_from(d->ranges, at);
    uint64_t base = u->low_pc, all = u->addr_bytes == 8 ? UINT64_MAX : UINT32_MAX;
    while (dwarf_work(d, 1)) {
        uint64_t lo = bytes_uint(&b, u->addr_bytes), hi = bytes_uint(&b, u->addr_bytes);
        if (b.bad || (lo == 0 && hi == 0))
            return;
        if (lo == all)
            base = hi;
        else
            list_add(l, base + lo, base + hi);
    }
}

/* One case for each kind of entry. */
static void list_since_5(struct dwarf *d, const struct unit *u, uint64_t at, struct list *l)
{
    struct bytes b = bytes_from(d->rnglists, at);
    uint64_t base = u->low_pc, lo;
    while (!b.bad && dwarf_work(d, 1)) {
        switch (bytes_u8(&b)) {
        case DW_RLE_base_addressx:
            base = indexed_address(d, u, bytes_uleb(&b));
            break;
        case DW_RLE_startx_endx:
            lo = indexed_address(d, u, bytes_uleb(&b));
            list_add(l, lo, indexed_address(d, u, bytes_uleb(&b)));
            break;
        case DW_RLE_startx_length:
            lo = indexed_address(d, u, bytes_uleb(&b));
            list_add(l, lo, lo + bytes_uleb(&b));
            break;
        case DW_RLE_offset_pair:
            lo = base + bytes_uleb(&b);
            list_add(l, lo, base + bytes_uleb(&b));
            break;
        case DW_RLE_base_address:
            base = bytes_uint(&b, u->addr_bytes);
            break;
        case DW_RLE_start_end:
            lo = bytes_uint(&b, u->addr_bytes);
            list_add(l, lo, bytes_uint(&b, u->addr_bytes));
            break;
        case DW_RLE_start_length:
            lo = bytes_uint(&b, u->addr_bytes);
            list_add(l, lo, lo + bytes_uleb(&b));
            break;
        default: /* DW_RLE_end_of_list */
            return;
        }
    }
}

uint64_t dwarf_ranges(struct dwarf *d, const struct unit *u, const struct attr *a,
                      struct spans *spans, uint32_t what)
{
    struct list l = {.spans = spans, .what = what};
    bool bad = false;
    uint64_t at = a->v;
    if (a->kind == ATTR_LIST_INDEX)
        at = u->rnglists_base +
             entry_of_table(d->rnglists, u->rnglists_base, a->v, u->off_bytes, &bad);
    else if (a->kind != ATTR_NUMBER)
        return 0;
    if (bad)
        return 0;
    if (u->version >= 5)
        list_since_5(d, u, at, &l);
    else
        list_before_5(d, u, at + u->ranges_base, &l);
    return l.first;
}

/* ---- units */
static bool unit_header(struct dwarf *d, struct bytes *b, struct unit *u)
{
    uint64_t length = bytes_uint(b, 4);
    u->off_bytes = length == UINT32_MAX ? 8 : 4;
    if (length == UINT32_MAX)
        length = bytes_uint(b, 8);
    if (b->bad || length > bytes_left(b))
        return false;
    u->end = (uint64_t)(b->at - d->info.p) + length;
    u->version = (uint8_t)bytes_uint(b, 2);
    unsigned type = DW_UT_compile;
    if (u->version >= 5) {
        type = bytes_u8(b);
        u->addr_bytes = bytes_u8(b);
        u->abbrev_at = bytes_uint(b, u->off_bytes);
    } else {
        u->abbrev_at = bytes_uint(b, u->off_bytes);
        u->addr_bytes = bytes_u8(b);
    }
    if (type == DW_UT_skeleton || type == DW_UT_split_compile)
        bytes_skip(b, 8);
    else if (type == DW_UT_type || type == DW_UT_split_type)
        bytes_skip(b, 8 + (uint64_t)u->off_bytes);
    u->first = (uint64_t)(b->at - d->info.p);
    return true;
}

/* What the first entry of a unit says. */
struct root {
    struct attr low, high, ranges, dir, lines, language;
    struct attr addr_base, str_base, list_base, ranges_base;
};

static void root_attr(void *arg, unsigned name, const struct attr *a)
{
    struct root *r = arg;
    switch (name) {
    case DW_AT_low_pc:
        r->low = *a;
        break;
    case DW_AT_high_pc:
        r->high = *a;
        break;
    case DW_AT_ranges:
        r->ranges = *a;
        break;
    case DW_AT_comp_dir:
        r->dir = *a;
        break;
    case DW_AT_stmt_list:
        r->lines = *a;
        break;
    case DW_AT_language:
        r->language = *a;
        break;
    case DW_AT_addr_base:
    case DW_AT_GNU_addr_base:
        r->addr_base = *a;
        break;
    case DW_AT_str_offsets_base:
        r->str_base = *a;
        break;
    case DW_AT_rnglists_base:
        r->list_base = *a;
        break;
    case DW_AT_GNU_ranges_base:
        r->ranges_base = *a;
        break;
    default:
        break;
    }
}

static uint64_t base_or(const struct attr *a, uint64_t otherwise)
{
    return a->kind == ATTR_NUMBER ? a->v : otherwise;
}

static void unit_addresses(struct dwarf *d, struct unit *u, const struct root *r)
{
    uint32_t index = (uint32_t)(u - d->units);
    if (r->ranges.kind != ATTR_NONE) {
        u->has_ranges = dwarf_ranges(d, u, &r->ranges, &d->by_addr, index) != 0;
    } else if (r->high.kind != ATTR_NONE) {
        uint64_t high = dwarf_address(d, u, &r->high);
        if (r->high.kind == ATTR_NUMBER)
            high = u->low_pc + r->high.v;
        spans_add(&d->by_addr, u->low_pc, high, index);
        u->has_ranges = u->low_pc < high;
    }
}

static bool is_plain_c(const struct attr *language)
{
    switch (language->v) {
    case DW_LANG_C89:
    case DW_LANG_C:
    case DW_LANG_C99:
    case DW_LANG_C11:
    case DW_LANG_C17:
        return language->kind == ATTR_NUMBER;
    default:
        return false;
    }
}

/* No table is made for the first entry alone: its abbreviation is among the first or the last. */
static bool unit_root(struct dwarf *d, struct unit *u, struct root *r)
{
    struct abbrevs t = {
        .addr_bytes = u->addr_bytes, .off_bytes = u->off_bytes, .version = u->version};
    struct bytes b = {.at = d->info.p + u->first, .end = d->info.p + u->end};
    struct bytes s = bytes_from(d->abbrev, u->abbrev_at);
    struct abbrev ab;
    uint64_t code = bytes_uleb(&b);
    if (u->in_aranges) { /* somebody wants all of it */
        const struct abbrevs *all = dwarf_abbrevs(d, u);
        const struct abbrev *of = all != NULL ? dwarf_abbrev(all, code) : NULL;
        if (of != NULL)
            dwarf_each_attr(u, of, &b, root_attr, r);
        return of != NULL && !b.bad;
    }
    while (dwarf_abbrev_next(&s, &ab, &t, NULL) && dwarf_work(d, 4 + (uint64_t)ab.nattrs)) {
        if (ab.code != code)
            continue;
        dwarf_each_attr(u, &ab, &b, root_attr, r);
        return !b.bad;
    }
    return false;
}

static void unit_begin(struct dwarf *d, struct unit *u)
{
    struct root r = {.low = {.kind = ATTR_NONE}};
    u->begun = true;
    if (u->version < 2 || u->version > 5 || (u->addr_bytes != 8 && u->addr_bytes != 4) ||
        u->first >= u->end || !unit_root(d, u, &r)) {
        u->first = u->end; /* nothing in it is read */
        u->has_ranges = true;
        return;
    }
    u->str_offsets_base = base_or(&r.str_base, u->version >= 5 ? 2 * (uint64_t)u->off_bytes : 0);
    u->addr_base = base_or(&r.addr_base, u->version >= 5 ? 8 : 0);
    u->rnglists_base = base_or(&r.list_base, u->version >= 5 ? u->off_bytes == 8 ? 20 : 12 : 0);
    u->ranges_base = base_or(&r.ranges_base, 0);
    u->has_lines = r.lines.kind == ATTR_NUMBER;
    u->stmt_list = r.lines.v;
    u->plain_c = is_plain_c(&r.language);
    u->dir = dwarf_text(d, u, &r.dir);
    u->low_pc = dwarf_address(d, u, &r.low);
    if (!u->in_aranges)
        unit_addresses(d, u, &r);
}

void dwarf_unit_open(struct dwarf *d, struct unit *u)
{
    if (!u->begun)
        unit_begin(d, u);
}

/* ---- where the code of units is, as a section of its own tells, of some of them */
static struct unit *unit_with_header_at(struct dwarf *d, uint64_t at)
{
    uint32_t lo = 0, hi = d->nunits;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (d->units[mid].at < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < d->nunits && d->units[lo].at == at ? &d->units[lo] : NULL;
}

/* One set: a unit's. False at the end. */
static bool aranges_set(struct dwarf *d, struct bytes *all)
{
    struct bytes b = *all;
    uint64_t length = bytes_uint(&b, 4);
    unsigned off = length == UINT32_MAX ? 8 : 4;
    if (off == 8)
        length = bytes_uint(&b, 8);
    if (b.bad || length == 0 || length > bytes_left(&b))
        return false;
    const unsigned char *start = all->at;
    b.end = all->at = b.at + length;
    uint64_t version = bytes_uint(&b, 2), info = bytes_uint(&b, off);
    unsigned addr = bytes_u8(&b), segment = bytes_u8(&b);
    struct unit *u = unit_with_header_at(d, info);
    if (b.bad || version != 2 || (addr != 4 && addr != 8) || segment != 0 || u == NULL)
        return true;
    bytes_skip(&b, (2 * addr - (uint64_t)(b.at - start) % (2 * addr)) % (2 * addr));
    while (dwarf_work(d, 1)) {
        uint64_t lo = bytes_uint(&b, addr), n = bytes_uint(&b, addr);
        if (b.bad || (lo == 0 && n == 0))
            break;
        if (lo == 0 || n == 0 || lo + n < lo)
            continue;
        spans_add(&d->by_addr, lo, lo + n, (uint32_t)(u - d->units));
        u->in_aranges = u->has_ranges = true;
    }
    return true;
}

bool dwarf_begin(struct dwarf *d)
{
    struct vec units = VEC_OF(struct unit);
    struct bytes b = bytes_of(d->info);
    d->work = (int64_t)(d->info.n + d->abbrev.n + d->ranges.n + d->rnglists.n + d->aranges.n) *
                  WORK_PER_BYTE +
              WORK_LEAST;
    while (bytes_left(&b) > 0) {
        struct unit *u = vec_add(&units);
        if (u == NULL)
            break;
        u->at = (uint64_t)(b.at - d->info.p);
        if (!unit_header(d, &b, u)) {
            units.n--;
            break;
        }
        b = bytes_from(d->info, u->end);
    }
    d->nunits = (uint32_t)units.n;
    d->units = vec_keep(&units, d->pool);
    if (d->units == NULL)
        d->nunits = 0;
    b = bytes_of(d->aranges);
    while (bytes_left(&b) > 0 && aranges_set(d, &b))
        continue;
    for (uint32_t i = 0; i < d->nunits; i++)
        if (!d->units[i].in_aranges)
            unit_begin(d, &d->units[i]);
    return spans_seal(&d->by_addr, d->pool) && d->nunits > 0;
}

struct unit *dwarf_unit_of(struct dwarf *d, uint64_t die)
{
    uint32_t lo = 0, hi = d->nunits;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (d->units[mid].at <= die)
            lo = mid + 1;
        else
            hi = mid;
    }
    struct unit *u = lo > 0 ? &d->units[lo - 1] : NULL;
    if (u != NULL)
        dwarf_unit_open(d, u);
    return u != NULL && die >= u->first && die < u->end ? u : NULL;
}
