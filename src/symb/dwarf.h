/* dwarf.h: what debugging information says of one instruction: DWARF 2 to 5, read here.
 *
 *   dwarf.c        sections, units, attributes
 *   dwarf_abbrev.c which attributes an entry has
 *   dwarf_info.c   functions, and the calls that were inlined into them
 *   dwarf_line.c   files and lines
 *
 * Nothing in the file is trusted. What does not fit ends the part that it is in; how much work a file may
 * make is bounded by its size. A unit is read when a pc of its is first asked for.
 */
#ifndef SYMB_DWARF_H
#define SYMB_DWARF_H

#include "symb/bytes.h"
#include "symb/pool.h"
#include "symb/spans.h"

#define NO_SCOPE UINT32_MAX

struct abbrev {
    uint64_t code;
    uint32_t tag;
    bool children;
    uint32_t nattrs;
    uint32_t fixed_bytes; /* of all its attributes; UINT32_MAX: it depends */
    uint32_t skip_at;     /* how to get behind them then: in abbrevs.skips; UINT32_MAX: by forms */
    uint32_t sibling_at;  /* bytes before DW_AT_sibling; UINT32_MAX: it has none */
    uint8_t sibling_form;
    bool declares, has_code; /* it has DW_AT_declaration; an address */
    bool says_who;           /* it has one of the facts behind FACT_ORIGIN */
    uint8_t npicks;
    uint32_t picks_at;          /* in abbrevs.picks; UINT32_MAX: all attributes have to be read */
    const unsigned char *specs; /* names and forms */
};
/* What is of interest in the entry of a function or a call: its code, where it is called, who it is. */
enum fact {
    FACT_LOW,
    FACT_HIGH,
    FACT_RANGES,
    FACT_ENTRY,
    FACT_CALL_FILE,
    FACT_CALL_LINE,
    FACT_ORIGIN, /* the entry that says the rest */
    FACT_NAME,
    FACT_LINKAGE,
    FACT_FILE,
    FACT_LINE,
    FACTS,
};
/* Where in an entry a fact stands. */
struct pick {
    int64_t implicit;
    uint16_t fact, form, at;
};
struct abbrevs {
    struct abbrevs *older;
    uint64_t offset;
    uint8_t addr_bytes, off_bytes, version;
    uint32_t n;
    struct abbrev *of;
    uint8_t *skips;
    struct pick *picks;
};

/* A function that has code, or a call that was inlined into one. */
struct scope {
    uint64_t die;    /* offset of its entry, or of that which says who it is */
    uint64_t entry;  /* 0: not known */
    uint32_t parent; /* the one around it, or NO_SCOPE */
    uint32_t call_file, call_line;
    uint32_t inlined : 1;
    uint32_t named : 1;           /* `name` and `line` are set */
    uint32_t looked_up : 1;       /* `exported` is set */
    uint32_t exported : 1;        /* a global symbol of its module */
    uint32_t line : 28;           /* of its declaration; 0: not told */
    const char *name;             /* a text that lives for ever; NULL: it has none */
    const struct symb_func *func; /* made of it by names.c, once somebody asked */
};

/* An entry that others stand in, and are named after; not kept of C. */
struct within {
    uint32_t at, end; /* offsets in its unit: of the entry, of the end of its children */
    uint32_t parent;  /* the one around it, or NO_SCOPE */
    enum { WITHIN_SPACE, WITHIN_FUNCTION, WITHIN_TYPE, WITHIN_DECLARED_TYPE } kind;
};

struct row {
    uint64_t addr;
    uint32_t line;
    uint32_t file; /* ROW_END: nothing from here on */
};
#define ROW_END UINT32_MAX
struct source {
    const char *name, *dir; /* dir may be NULL: the unit's */
    const char *path;       /* a text that lives for ever, once names.c has made it */
};
struct lines {
    struct row *rows;
    size_t nrows;
    struct source *files;
    size_t nfiles;
};

struct unit {
    /* offsets into .debug_info: of the header, the first entry, the end */
    uint64_t at, first, end;
    uint64_t abbrev_at;
    uint64_t str_offsets_base, addr_base, rnglists_base, ranges_base, low_pc, stmt_list;
    const char *dir;
    uint8_t version, addr_bytes, off_bytes;
    bool has_lines, has_ranges;
    bool in_aranges;
    bool begun;            /* what its first entry says is set */
    bool plain_c;          /* types hold no functions */
    bool read, lines_read; /* below is set, if it could be */
    struct abbrevs *abbrevs;
    struct scope *scopes;
    uint32_t nscopes, nwithin;
    struct within *within; /* by offset */
    struct spans by_addr;  /* indices of scopes */
    struct lines lines;
};

struct dwarf {
    struct part info, abbrev, aranges, line, str, line_str, ranges, rnglists, addr, str_offsets;
    struct dwarf *alt; /* what dwz took out of several files; may be NULL */
    struct pool *pool;
    struct unit *units; /* by offset */
    uint32_t nunits;
    struct spans by_addr; /* indices of units */
    /* The one that was asked for last, and where no other one has code. */
    struct unit *last;
    uint64_t last_lo, last_end;
    struct abbrevs *abbrevs;
    int64_t work; /* steps that are still allowed */
};

/* ---- dwarf.c */
enum attr_kind {
    ATTR_NONE,
    ATTR_NUMBER,  /* also an offset into a section */
    ATTR_ADDRESS, /* an address */
    ATTR_INDEX,   /* an index of an address */
    ATTR_TEXT,    /* `text` */
    ATTR_STR,     /* offset into .debug_str, of which file says `alt` */
    ATTR_LINE_STR,
    ATTR_STR_INDEX,
    ATTR_REF, /* offset into .debug_info */
    ATTR_REF_ALT,
    ATTR_LIST_INDEX,
    ATTR_BLOCK,
};
struct attr {
    enum attr_kind kind;
    bool alt;
    uint64_t v;
    const char *text;
};

/* Pays for n steps; false when no more are allowed. */
bool dwarf_work(struct dwarf *d, uint64_t n);
/* With the sections set: finds the units, and where their code is. False when there is none. A unit that
 * .debug_aranges tells of is not looked at before somebody asks for it. */
bool dwarf_begin(struct dwarf *d);
struct unit *dwarf_unit_of(struct dwarf *d, uint64_t die);
/* Reads its first entry, unless that has been done. */
void dwarf_unit_open(struct dwarf *d, struct unit *u);
void dwarf_attr(const struct unit *u, struct bytes *b, unsigned form, int64_t implicit,
                struct attr *a);
/* NULL when it is no text. */
const char *dwarf_text(struct dwarf *d, const struct unit *u, const struct attr *a);
/* 0 when it is no address. */
uint64_t dwarf_address(struct dwarf *d, const struct unit *u, const struct attr *a);
/* Adds the ranges that DW_AT_ranges means; returns the first address, 0 when there is none. */
uint64_t dwarf_ranges(struct dwarf *d, const struct unit *u, const struct attr *a,
                      struct spans *spans, uint32_t what);

/* ---- dwarf_abbrev.c */
struct dwarf_extra;
/* The next abbreviation; false at the end. NULL for `extra`: without what makes reading many entries faster. */
bool dwarf_abbrev_next(struct bytes *b, struct abbrev *ab, const struct abbrevs *t,
                       const struct dwarf_extra *extra);
/* Its abbreviations; NULL when they cannot be read. */
struct abbrevs *dwarf_abbrevs(struct dwarf *d, struct unit *u);
const struct abbrev *dwarf_abbrev(const struct abbrevs *a, uint64_t code);
/* Calls `fn` for each attribute of the entry at `b`, which stands behind its code. */
typedef void (*attr_fn)(void *arg, unsigned name, const struct attr *a);
void dwarf_each_attr(const struct unit *u, const struct abbrev *ab, struct bytes *b, attr_fn fn,
                     void *arg);
/* Sets the facts from `first` to `last` that a function's or call's entry tells; the others of these are
 * ATTR_NONE. */
void dwarf_facts(const struct unit *u, const struct abbrevs *t, const struct abbrev *ab,
                 struct bytes b, enum fact first, enum fact last, struct attr facts[FACTS]);
/* Moves `b` behind the attributes. */
void dwarf_skip(const struct unit *u, const struct abbrevs *t, const struct abbrev *ab,
                struct bytes *b);

/* ---- dwarf_info.c */
/* The unit with code at `addr`, whose functions have been read; NULL: none. */
struct unit *dwarf_unit_at(struct dwarf *d, uint64_t addr);
/* The innermost scope at `addr`, or NO_SCOPE; the same one up to *end at least. */
uint32_t dwarf_scope_at(const struct unit *u, uint64_t addr, uint64_t *end);
/* With the namespaces, types and functions that it stands in: space::type::name. Sets also the scope's line. */
const char *dwarf_scope_name(struct dwarf *d, struct unit *u, uint32_t scope);
/* The file and line of its declaration; *line is 0 when that is not told. */
struct source *dwarf_scope_declared(struct dwarf *d, struct unit *u, uint32_t scope,
                                    uint64_t *line);

/* ---- dwarf_line.c */
/* The file (ROW_END: unknown) and line of the instruction at `addr`. */
struct row dwarf_line_at(struct dwarf *d, struct unit *u, uint64_t addr);
/* The file with this index in the unit's table; NULL: there is none. */
struct source *dwarf_source(struct dwarf *d, struct unit *u, uint64_t file);

#endif
