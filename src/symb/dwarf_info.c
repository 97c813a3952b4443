/* dwarf_info.c: which function has the code at an address, and which calls were inlined there.
 *
 * Owns    the scopes of a unit: functions with code and inlined calls, flattened to steps by address. And what
 *         functions of C++ and its like are named after: what they are declared in.
 * Holds   a scope's parent comes before it: chains of parents end. The same of what names stand in; but the
 *         name of a type may stand elsewhere, and a hostile file may send one round in circles: NAMED_STEPS.
 */
#include "symb/dwarf.h"

#include "base/fmt.h"
#include "symb/dwarf_names.h"
#include "symb/module.h"

enum { DEEPEST_ENTRY = 256, ORIGIN_HOPS = 8, NAMED_STEPS = 32, NAME_PARTS = 16, NAME_BYTES = 1024 };

/* Reading one unit. */
struct scan {
    struct dwarf *d;
    struct unit *u;
    const struct abbrevs *abbrevs;
    struct vec scopes, within;
    uint32_t open[DEEPEST_ENTRY];   /* the scope around entries of each depth */
    uint32_t around[DEEPEST_ENTRY]; /* what their names stand in */
    uint32_t depth;                 /* deeper ones belong to the deepest that is known */
};

static uint32_t scope_around(const struct scan *s)
{
    return s->open[s->depth < DEEPEST_ENTRY ? s->depth : DEEPEST_ENTRY - 1];
}

/* Its code, added to the unit's; where that begins, 0 when it has none. */
static uint64_t scope_code(struct scan *s, const struct attr *facts, uint32_t index)
{
    uint64_t low = dwarf_address(s->d, s->u, &facts[FACT_LOW]);
    const struct attr *end = &facts[FACT_HIGH];
    if (facts[FACT_RANGES].kind != ATTR_NONE)
        return dwarf_ranges(s->d, s->u, &facts[FACT_RANGES], &s->u->by_addr, index);
    uint64_t high = end->kind == ATTR_NUMBER ? low + end->v : dwarf_address(s->d, s->u, end);
    if (low == 0 || high <= low)
        return 0;
    spans_add(&s->u->by_addr, low, high, index);
    return low;
}

static uint32_t number_or_0(const struct attr *a)
{
    return a->kind == ATTR_NUMBER ? (uint32_t)a->v : 0;
}

/* Where to begin to ask who it is. */
static uint64_t who_is(const struct unit *u, const struct abbrev *ab, uint64_t die,
                       const struct attr *origin)
{
    bool near = origin->kind == ATTR_REF && origin->v >= u->first && origin->v < u->end;
    return near && ab->picks_at != UINT32_MAX && !ab->says_who ? origin->v : die;
}

static uint32_t scope_add(struct scan *s, const struct abbrev *ab, uint64_t die, struct bytes b)
{
    struct attr facts[FACTS];
    dwarf_facts(s->u, s->abbrevs, ab, b, FACT_LOW, FACT_ORIGIN, facts);
    bool inlined = ab->tag == DW_TAG_inlined_subroutine;
    uint32_t index = (uint32_t)s->scopes.n;
    uint64_t first = scope_code(s, facts, index);
    uint64_t entry = dwarf_address(s->d, s->u, &facts[FACT_ENTRY]);
    struct scope *new = first != 0 ? vec_add(&s->scopes) : NULL;
    if (new == NULL)
        return scope_around(s);
    new->die = who_is(s->u, ab, die, &facts[FACT_ORIGIN]);
    new->entry = !inlined &&entry != 0 ? entry : first;
    new->parent = scope_around(s);
    new->inlined = inlined;
    new->call_file = number_or_0(&facts[FACT_CALL_FILE]);
    new->call_line = number_or_0(&facts[FACT_CALL_LINE]);
    return index;
}

/* The entry at `die` has children: what are they named after? */
static uint32_t within_add(struct scan *s, const struct abbrev *ab, uint64_t die)
{
    uint32_t outer = s->around[s->depth < DEEPEST_ENTRY ? s->depth : DEEPEST_ENTRY - 1];
    uint32_t tag = ab->tag;
    bool type =
        tag == DW_TAG_class_type || tag == DW_TAG_structure_type || tag == DW_TAG_union_type;
    if (s->u->plain_c || s->u->end - s->u->at > UINT32_MAX ||
        !(type || tag == DW_TAG_namespace || tag == DW_TAG_subprogram))
        return outer;
    uint32_t index = (uint32_t)s->within.n;
    struct within *w = vec_add(&s->within);
    if (w == NULL)
        return outer;
    w->at = (uint32_t)(die - s->u->at);
    w->parent = outer;
    w->kind = tag == DW_TAG_namespace    ? WITHIN_SPACE
              : tag == DW_TAG_subprogram ? WITHIN_FUNCTION
              : ab->declares             ? WITHIN_DECLARED_TYPE
                                         : WITHIN_TYPE;
    return index;
}

/* Behind the children of an entry. */
static void within_end(struct scan *s, uint64_t at)
{
    if (s->depth >= DEEPEST_ENTRY || s->around[s->depth] == s->around[s->depth - 1])
        return;
    ((struct within *)s->within.at)[s->around[s->depth]].end = (uint32_t)(at - s->u->at);
}

static bool is_scope(uint32_t tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

/* Is there surely no code below such an entry? */
static bool holds_no_code(const struct unit *u, const struct abbrev *ab)
{
    switch (ab->tag) {
    case DW_TAG_array_type:
    case DW_TAG_subroutine_type:
    case DW_TAG_call_site:
    case DW_TAG_GNU_call_site:
        return true;
    case DW_TAG_structure_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
        return u->plain_c;
    case DW_TAG_subprogram:
        return ab->declares && !ab->has_code;
    default:
        return false;
    }
}

/* Goes to the entry that follows, without its children; false if that is not told, or is behind. */
static bool skip_children(struct scan *s, const struct abbrev *ab, uint64_t die, struct bytes *b)
{
    struct bytes at = *b;
    struct attr a;
    if (ab->sibling_at == UINT32_MAX)
        return false;
    bytes_skip(&at, ab->sibling_at);
    dwarf_attr(s->u, &at, ab->sibling_form, 0, &a);
    if (at.bad || a.kind != ATTR_REF || a.v <= die || a.v >= s->u->end)
        return false;
    b->at = s->d->info.p + a.v;
    return true;
}

/* One entry; false at the end of the unit. */
static bool scan_entry(struct scan *s, struct bytes *b)
{
    uint64_t die = (uint64_t)(b->at - s->d->info.p), code = bytes_uleb(b);
    if (code == 0) {
        if (s->depth == 0)
            return false;
        within_end(s, die);
        return --s->depth > 0 && !b->bad;
    }
    const struct abbrev *ab = dwarf_abbrev(s->abbrevs, code);
    if (ab == NULL || !dwarf_work(s->d, ab->nattrs))
        return false;
    if (ab->children && holds_no_code(s->u, ab) && skip_children(s, ab, die, b))
        return true;
    uint32_t scope = scope_around(s);
    struct bytes attrs = *b;
    dwarf_skip(s->u, s->abbrevs, ab, b);
    if (is_scope(ab->tag) && ab->has_code && !b->bad)
        scope = scope_add(s, ab, die, attrs);
    uint32_t around = ab->children ? within_add(s, ab, die) : NO_SCOPE;
    if (ab->children && ++s->depth < DEEPEST_ENTRY) {
        s->open[s->depth] = scope;
        s->around[s->depth] = around;
    }
    return s->depth > 0 && !b->bad;
}

static void unit_read(struct dwarf *d, struct unit *u)
{
    u->read = true;
    struct scan s = {.d = d,
                     .u = u,
                     .abbrevs = dwarf_abbrevs(d, u),
                     .scopes = VEC_OF(struct scope),
                     .within = VEC_OF(struct within)};
    struct bytes b = {.at = d->info.p + u->first, .end = d->info.p + u->end};
    if (s.abbrevs == NULL || u->first >= u->end)
        return;
    s.open[0] = s.around[0] = NO_SCOPE;
    while (scan_entry(&s, &b))
        ;
    u->nwithin = (uint32_t)s.within.n;
    u->within = vec_keep(&s.within, d->pool);
    if (u->within == NULL)
        u->nwithin = 0;
    u->nscopes = (uint32_t)s.scopes.n;
    u->scopes = vec_keep(&s.scopes, d->pool);
    if (!spans_seal(&u->by_addr, d->pool) || u->scopes == NULL) {
        u->by_addr.n = 0;
        u->nscopes = 0;
    }
}

struct unit *dwarf_unit_at(struct dwarf *d, uint64_t addr)
{
    uint64_t end;
    if (addr >= d->last_lo && addr < d->last_end)
        return d->last;
    uint32_t i = spans_find(&d->by_addr, addr, &end);
    if (i != SPAN_NONE) {
        struct unit *u = &d->units[i];
        dwarf_unit_open(d, u);
        if (!u->read)
            unit_read(d, u);
        d->last = u;
        d->last_lo = addr;
        d->last_end = end;
        return u;
    }
    for (i = 0; i < d->nunits; i++) { /* units that do not tell which code is theirs */
        struct unit *u = &d->units[i];
        if (u->has_ranges)
            continue;
        if (!u->read)
            unit_read(d, u);
        if (dwarf_scope_at(u, addr, &end) != NO_SCOPE)
            return u;
    }
    return NULL;
}

uint32_t dwarf_scope_at(const struct unit *u, uint64_t addr, uint64_t *end)
{
    uint32_t i = spans_find(&u->by_addr, addr, end);
    return i != SPAN_NONE && i < u->nscopes ? i : NO_SCOPE;
}

/* ---- names and places, which may stand elsewhere: at the declaration, at the function that was inlined */
/* Who the function or call at `die` is, as far as that entry tells. */
static bool entry_facts(struct dwarf *d, struct unit *u, uint64_t die, struct attr facts[FACTS])
{
    struct abbrevs *t = dwarf_abbrevs(d, u);
    struct bytes b = {.at = d->info.p + die, .end = d->info.p + u->end};
    const struct abbrev *ab = t != NULL ? dwarf_abbrev(t, bytes_uleb(&b)) : NULL;
    if (ab == NULL)
        return false;
    dwarf_facts(u, t, ab, b, FACT_ORIGIN, FACT_LINE, facts);
    return true;
}

struct entry {
    struct dwarf *d;
    struct unit *u;
    uint64_t die;
};

/* Goes on from an entry to the one that it refers to; false when there is none. */
static bool next_origin(struct entry *e, const struct attr *origin)
{
    if (origin->kind == ATTR_REF_ALT)
        e->d = e->d->alt;
    else if (origin->kind != ATTR_REF)
        return false;
    e->die = origin->v;
    e->u = e->d != NULL ? dwarf_unit_of(e->d, e->die) : NULL;
    return e->u != NULL;
}

/* Goes to the entry that has the name; to none when that is one that says where it stands. And the line of the
 * first that has one: of a definition, rather than of what it defines. */
static const char *name_of(struct entry *e, uint64_t *line)
{
    const char *linkage = NULL;
    struct entry at = *e;
    for (int hop = 0; hop < ORIGIN_HOPS; hop++) {
        struct attr facts[FACTS];
        if (!entry_facts(at.d, at.u, at.die, facts))
            break;
        const char *s = dwarf_text(at.d, at.u, &facts[FACT_NAME]);
        if (*line == 0 && facts[FACT_LINE].kind == ATTR_NUMBER)
            *line = facts[FACT_LINE].v;
        if (s != NULL) {
            *e = at;
            return s;
        }
        if (linkage == NULL)
            linkage = dwarf_text(at.d, at.u, &facts[FACT_LINKAGE]);
        if (!next_origin(&at, &facts[FACT_ORIGIN]))
            break;
    }
    if (linkage != NULL)
        e->die = 0;
    return linkage;
}

/* ---- what a name stands in */
static const struct within *within_of(const struct unit *u, uint64_t die)
{
    uint32_t lo = 0, hi = u->nwithin;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (u->at + u->within[mid].at < die)
            lo = mid + 1;
        else
            hi = mid;
    }
    uint32_t i = lo > 0 ? lo - 1 : NO_SCOPE;
    while (i != NO_SCOPE && die >= u->at + u->within[i].end)
        i = u->within[i].parent;
    return i != NO_SCOPE ? &u->within[i] : NULL;
}

/* From the inside to the outside. A function that is declared in another one is not that one's; a type is. */
static size_t parts_around(struct entry e, const char **part)
{
    size_t n = 0;
    bool type = false;
    for (int step = 0; step < NAMED_STEPS && n < NAME_PARTS; step++) {
        if (!e.u->read)
            unit_read(e.d, e.u);
        const struct within *w = within_of(e.u, e.die);
        if (w == NULL)
            break;
        e.die = e.u->at + w->at;
        if (w->kind == WITHIN_FUNCTION && !type)
            continue;
        uint64_t line = 0;
        const char *s = name_of(&e, &line);
        type = w->kind >= WITHIN_TYPE;
        if (s != NULL || w->kind != WITHIN_DECLARED_TYPE)
            part[n++] = s != NULL ? s : type ? "{unnamed}" : "{anonymous}";
    }
    return n;
}

/* The text in `room`, or `name` if there is nothing to be said before it, or no room. */
static const char *qualified(const struct entry *e, const char *name, char *room)
{
    const char *part[NAME_PARTS];
    size_t n = parts_around(*e, part), len = strlen(name) + 1;
    for (size_t i = 0; i < n; i++)
        len += strlen(part[i]) + 2;
    if (n == 0 || len > NAME_BYTES)
        return name;
    struct out o;
    out_init_mem(&o, room, NAME_BYTES - 1);
    while (n > 0) {
        out_str(&o, part[--n]);
        out_str(&o, "::");
    }
    out_str(&o, name);
    room[o.len] = '\0';
    return room;
}

struct source *dwarf_scope_declared(struct dwarf *d, struct unit *u, uint32_t scope, uint64_t *line)
{
    struct entry e = {.d = d, .u = u, .die = u->scopes[scope].die};
    *line = 0;
    for (int hop = 0; hop < ORIGIN_HOPS; hop++) {
        struct attr facts[FACTS];
        if (!entry_facts(e.d, e.u, e.die, facts))
            break;
        if (facts[FACT_FILE].kind == ATTR_NUMBER && facts[FACT_LINE].kind == ATTR_NUMBER) {
            *line = facts[FACT_LINE].v;
            return dwarf_source(e.d, e.u, facts[FACT_FILE].v);
        }
        if (!next_origin(&e, &facts[FACT_ORIGIN]))
            break;
    }
    return NULL;
}

const char *dwarf_scope_name(struct dwarf *d, struct unit *u, uint32_t scope)
{
    struct scope *s = &u->scopes[scope];
    if (!s->named) {
        enum { LINE_MAX_KEPT = (1 << 28) - 1 };
        char room[NAME_BYTES];
        uint64_t line = 0;
        struct entry e = {.d = d, .u = u, .die = s->die};
        const char *name = name_of(&e, &line);
        s->name = name != NULL ? intern(qualified(&e, name, room)) : NULL;
        s->line = line <= LINE_MAX_KEPT ? (uint32_t)line & LINE_MAX_KEPT : 0;
        s->named = true;
    }
    return s->name;
}
