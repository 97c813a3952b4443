/* dwarf_abbrev.c: abbreviations: which attributes the entries of a unit have, and how they are written.
 *
 * Owns    tables of abbreviations, kept by offset; going through the attributes of one entry: all, those that
 *         functions are read for, or none.
 * Holds   1. the specifications of an abbreviation that is in a table have an end.
 *         2. what was worked out for an abbreviation moves within the unit by checked steps only, as reading
 *            each attribute does.
 */
#include "symb/dwarf.h"

#include "symb/dwarf_names.h"

/* The size of a form, or UINT32_MAX. */
static uint32_t form_bytes(const struct abbrevs *t, uint64_t form)
{
    switch (form) {
    case DW_FORM_addr:
        return t->addr_bytes;
    case DW_FORM_data1:
    case DW_FORM_flag:
    case DW_FORM_ref1:
    case DW_FORM_strx1:
    case DW_FORM_addrx1:
        return 1;
    case DW_FORM_data2:
    case DW_FORM_ref2:
    case DW_FORM_strx2:
    case DW_FORM_addrx2:
        return 2;
    case DW_FORM_data4:
    case DW_FORM_ref4:
        return 4;
    case DW_FORM_data8:
    case DW_FORM_ref8:
    case DW_FORM_ref_sig8:
        return 8;
    case DW_FORM_sec_offset:
    case DW_FORM_strp:
    case DW_FORM_line_strp:
    case DW_FORM_GNU_ref_alt:
    case DW_FORM_GNU_strp_alt:
    case DW_FORM_strp_sup:
        return t->off_bytes;
    case DW_FORM_flag_present:
    case DW_FORM_implicit_const:
        return 0;
    case DW_FORM_ref_addr:
        return t->version == 2 ? t->addr_bytes : t->off_bytes;
    default:
        return UINT32_MAX;
    }
}

/* ---- getting past
 *
 * Most entries are of no interest, but have to be got past. How, is worked out once for each abbreviation, in
 * steps: a number of bytes, or one of these. */
enum skip {
    SKIP_END,
    SKIP_BYTES_MAX = 0xEF,
    SKIP_LEB,
    SKIP_TEXT,
    SKIP_BLOCK, /* its length is a LEB */
    SKIP_BLOCK1,
    SKIP_BLOCK2,
    SKIP_BLOCK4,
};

/* SKIP_END: the form needs a look. */
static enum skip skip_of(uint64_t form)
{
    switch (form) {
    case DW_FORM_udata:
    case DW_FORM_sdata:
    case DW_FORM_strx:
    case DW_FORM_addrx:
    case DW_FORM_rnglistx:
    case DW_FORM_loclistx:
    case DW_FORM_ref_udata:
    case DW_FORM_GNU_str_index:
    case DW_FORM_GNU_addr_index:
        return SKIP_LEB;
    case DW_FORM_string:
        return SKIP_TEXT;
    case DW_FORM_block:
    case DW_FORM_exprloc:
        return SKIP_BLOCK;
    case DW_FORM_block1:
        return SKIP_BLOCK1;
    case DW_FORM_block2:
        return SKIP_BLOCK2;
    case DW_FORM_block4:
        return SKIP_BLOCK4;
    default:
        return SKIP_END;
    }
}

/* What dwarf_abbrev_next makes beside the abbreviation. */
struct dwarf_extra {
    struct vec *steps, *picks;
    uint32_t bytes; /* not yet in a step */
    bool slow;      /* a form needs a look */
};

static void skips_step(struct dwarf_extra *k, unsigned step)
{
    uint8_t *at = vec_more(k->steps, sizeof *at);
    if (at != NULL)
        *at = (uint8_t)step;
}

static void skips_flush(struct dwarf_extra *k)
{
    for (; k->bytes > 0 && !k->steps->failed;
         k->bytes -= k->bytes < SKIP_BYTES_MAX ? k->bytes : SKIP_BYTES_MAX)
        skips_step(k, k->bytes < SKIP_BYTES_MAX ? k->bytes : SKIP_BYTES_MAX);
}

static void skips_form(struct dwarf_extra *k, uint64_t form, uint32_t bytes)
{
    if (k->slow)
        return;
    if (bytes != UINT32_MAX) {
        k->bytes += bytes;
        return;
    }
    skips_flush(k);
    enum skip step = skip_of(form);
    k->slow = step == SKIP_END;
    if (!k->slow)
        skips_step(k, step);
}

/* FACTS: it is none. */
static enum fact fact_of(uint64_t name)
{
    switch (name) {
    case DW_AT_low_pc:
        return FACT_LOW;
    case DW_AT_high_pc:
        return FACT_HIGH;
    case DW_AT_ranges:
        return FACT_RANGES;
    case DW_AT_entry_pc:
        return FACT_ENTRY;
    case DW_AT_call_file:
        return FACT_CALL_FILE;
    case DW_AT_call_line:
        return FACT_CALL_LINE;
    case DW_AT_abstract_origin:
    case DW_AT_specification:
        return FACT_ORIGIN;
    case DW_AT_name:
        return FACT_NAME;
    case DW_AT_linkage_name:
    case DW_AT_MIPS_linkage_name:
        return FACT_LINKAGE;
    case DW_AT_decl_file:
        return FACT_FILE;
    case DW_AT_decl_line:
        return FACT_LINE;
    default:
        return FACTS;
    }
}

static void abbrev_pick(struct vec *picks, struct abbrev *ab, uint64_t name, uint64_t form,
                        int64_t implicit)
{
    enum fact fact = ab->picks_at != UINT32_MAX ? fact_of(name) : FACTS;
    if (fact == FACTS)
        return;
    ab->says_who |= fact > FACT_ORIGIN;
    struct pick *p = ab->fixed_bytes <= UINT16_MAX && form <= UINT16_MAX && ab->npicks < UINT8_MAX
                         ? vec_more(picks, sizeof *p)
                         : NULL;
    if (p == NULL) { /* it stands behind one of any length */
        picks->n = ab->picks_at;
        ab->picks_at = UINT32_MAX;
        return;
    }
    *p = (struct pick){.implicit = implicit,
                       .fact = (uint16_t)fact,
                       .form = (uint16_t)form,
                       .at = (uint16_t)ab->fixed_bytes};
    ab->npicks++;
}

static void abbrev_attr(struct abbrev *ab, uint64_t name, uint64_t form)
{
    if (name == DW_AT_sibling && ab->fixed_bytes != UINT32_MAX && form <= UINT8_MAX) {
        ab->sibling_at = ab->fixed_bytes;
        ab->sibling_form = (uint8_t)form;
    }
    ab->declares |= name == DW_AT_declaration;
    ab->has_code |= name == DW_AT_low_pc || name == DW_AT_ranges;
}

bool dwarf_abbrev_next(struct bytes *b, struct abbrev *ab, const struct abbrevs *t,
                       const struct dwarf_extra *extra)
{
    struct dwarf_extra k = extra != NULL ? *extra : (struct dwarf_extra){.slow = true};
    *ab = (struct abbrev){.code = bytes_uleb(b),
                          .skip_at = UINT32_MAX,
                          .sibling_at = UINT32_MAX,
                          .picks_at = UINT32_MAX};
    if (ab->code == 0 || b->bad)
        return false;
    ab->tag = (uint32_t)bytes_uleb(b);
    ab->children = bytes_u8(b) != 0;
    ab->specs = b->at;
    size_t first = extra != NULL ? k.steps->n : 0;
    if (extra != NULL && (ab->tag == DW_TAG_subprogram || ab->tag == DW_TAG_inlined_subroutine) &&
        k.picks->n < UINT32_MAX)
        ab->picks_at = (uint32_t)k.picks->n;
    for (;; ab->nattrs++) {
        uint64_t name = bytes_uleb(b), form = bytes_uleb(b);
        int64_t implicit = form == DW_FORM_implicit_const ? bytes_sleb(b) : 0;
        if (b->bad)
            return false;
        if (name == 0 && form == 0)
            break;
        abbrev_attr(ab, name, form);
        abbrev_pick(k.picks, ab, name, form, implicit);
        uint32_t n = form_bytes(t, form);
        skips_form(&k, form, n);
        if (n == UINT32_MAX || ab->fixed_bytes > UINT16_MAX)
            ab->fixed_bytes = UINT32_MAX;
        else
            ab->fixed_bytes += n;
    }
    if (extra == NULL)
        return true;
    if (k.slow || ab->fixed_bytes != UINT32_MAX || first > UINT32_MAX / 2) {
        k.steps->n = first;
        return true;
    }
    skips_flush(&k);
    skips_step(&k, SKIP_END);
    ab->skip_at = (uint32_t)first;
    return true;
}

static void no_attr(void *arg, unsigned name, const struct attr *a)
{
    (void)arg;
    (void)name;
    (void)a;
}

void dwarf_skip(const struct unit *u, const struct abbrevs *t, const struct abbrev *ab,
                struct bytes *b)
{
    if (ab->fixed_bytes != UINT32_MAX) {
        bytes_skip(b, ab->fixed_bytes);
        return;
    }
    if (ab->skip_at == UINT32_MAX) {
        dwarf_each_attr(u, ab, b, no_attr, NULL);
        return;
    }
    for (const uint8_t *step = t->skips + ab->skip_at;; step++)
        switch (*step) {
        case SKIP_END:
            return;
        case SKIP_LEB:
            (void)bytes_uleb(b);
            break;
        case SKIP_TEXT:
            (void)bytes_text(b);
            break;
        case SKIP_BLOCK:
            bytes_skip(b, bytes_uleb(b));
            break;
        case SKIP_BLOCK1:
            bytes_skip(b, bytes_u8(b));
            break;
        case SKIP_BLOCK2:
            bytes_skip(b, bytes_uint(b, 2));
            break;
        case SKIP_BLOCK4:
            bytes_skip(b, bytes_uint(b, 4));
            break;
        default:
            bytes_skip(b, *step);
            break;
        }
}

struct facts {
    struct attr *of;
    enum fact first, last;
};

static void fact_attr(void *arg, unsigned name, const struct attr *a)
{
    struct facts *f = arg;
    enum fact fact = fact_of(name);
    if (fact >= f->first && fact <= f->last)
        f->of[fact] = *a;
}

void dwarf_facts(const struct unit *u, const struct abbrevs *t, const struct abbrev *ab,
                 struct bytes b, enum fact first, enum fact last, struct attr facts[FACTS])
{
    for (unsigned i = first; i <= last; i++)
        facts[i] = (struct attr){.kind = ATTR_NONE};
    if (ab->picks_at == UINT32_MAX) {
        struct facts f = {.of = facts, .first = first, .last = last};
        dwarf_each_attr(u, ab, &b, fact_attr, &f);
        return;
    }
    for (const struct pick *p = t->picks + ab->picks_at, *end = p + ab->npicks; p < end; p++) {
        if (p->fact < first || p->fact > last)
            continue;
        struct bytes at = b;
        bytes_skip(&at, p->at);
        dwarf_attr(u, &at, p->form, p->implicit, &facts[p->fact]);
        if (at.bad)
            facts[p->fact].kind = ATTR_NONE;
    }
}

static bool code_less(const void *a, const void *b)
{
    return ((const struct abbrev *)a)->code < ((const struct abbrev *)b)->code;
}

static struct abbrevs *abbrevs_read(struct dwarf *d, const struct unit *u)
{
    struct abbrevs t = {.offset = u->abbrev_at,
                        .addr_bytes = u->addr_bytes,
                        .off_bytes = u->off_bytes,
                        .version = u->version};
    struct bytes b = bytes_from(d->abbrev, u->abbrev_at);
    struct vec of = VEC_OF(struct abbrev), steps = VEC_OF(uint8_t);
    struct vec picks = VEC_OF(struct pick);
    const struct dwarf_extra extra = {.steps = &steps, .picks = &picks};
    struct abbrev ab;
    while (dwarf_abbrev_next(&b, &ab, &t, &extra) && dwarf_work(d, 4 + (uint64_t)ab.nattrs)) {
        struct abbrev *at = vec_more(&of, sizeof *at);
        if (at == NULL)
            break;
        *at = ab;
    }
    t.n = (uint32_t)of.n;
    of.failed |= steps.failed || picks.failed || !pool_sort(of.at, of.n, sizeof ab, code_less);
    size_t nsteps = steps.n, npicks = picks.n;
    t.of = vec_keep(&of, d->pool);
    t.skips = vec_keep(&steps, d->pool);
    t.picks = vec_keep(&picks, d->pool);
    bool whole =
        t.of != NULL && (nsteps == 0 || t.skips != NULL) && (npicks == 0 || t.picks != NULL);
    struct abbrevs *kept = whole ? pool_take(d->pool, sizeof t) : NULL;
    if (kept == NULL)
        return NULL;
    *kept = t;
    kept->older = d->abbrevs;
    d->abbrevs = kept;
    return kept;
}

struct abbrevs *dwarf_abbrevs(struct dwarf *d, struct unit *u)
{
    if (u->abbrevs != NULL)
        return u->abbrevs;
    for (struct abbrevs *t = d->abbrevs; t != NULL && dwarf_work(d, 1); t = t->older)
        if (t->offset == u->abbrev_at && t->addr_bytes == u->addr_bytes &&
            t->off_bytes == u->off_bytes && t->version == u->version)
            return u->abbrevs = t;
    return u->abbrevs = abbrevs_read(d, u);
}

/* Compilers number them from 1; if not, they are sorted all the same. */
const struct abbrev *dwarf_abbrev(const struct abbrevs *a, uint64_t code)
{
    if (code - 1 < a->n && a->of[code - 1].code == code)
        return &a->of[code - 1];
    uint32_t lo = 0, hi = a->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (a->of[mid].code == code)
            return &a->of[mid];
        if (a->of[mid].code < code)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

void dwarf_each_attr(const struct unit *u, const struct abbrev *ab, struct bytes *b, attr_fn fn,
                     void *arg)
{
    /* The end of the specs was found when the abbreviation was read. */
    struct bytes s = {.at = ab->specs, .end = ab->specs + ((size_t)1 << 40)};
    while (!b->bad) {
        uint64_t name = bytes_uleb(&s), form = bytes_uleb(&s);
        int64_t implicit = form == DW_FORM_implicit_const ? bytes_sleb(&s) : 0;
        struct attr a;
        if (name == 0 && form == 0)
            return;
        dwarf_attr(u, b, (unsigned)form, implicit, &a);
        fn(arg, (unsigned)name, &a);
    }
}
