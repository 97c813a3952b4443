/* module.h: the program, its shared libraries, and the files that say what is in them. */
#ifndef SYMB_MODULE_H
#define SYMB_MODULE_H

#include "base/atomic.h"
#include "symb/dwarf.h"
#include "symb/image.h"

struct symbol {
    uint64_t addr, bytes; /* as in the file */
    const char *name;
    bool global;
};

/* Its memory is never given back, but becomes another module's when it is unloaded. */
struct module {
    /* atomic: */
    au32 epoch; /* changes when it is unloaded: older answers about it are void */
    /* const: */
    uintptr_t bias, lo;
    const char *path;   /* absolute, if that is known */
    struct build_id id; /* as it stands in memory */
    struct part memory; /* the kernel's own, which has no file */
    /* lock: */
    bool seen;
    bool opened; /* the rest is set */
    bool broken; /* reading its files faulted: they are left alone */
    bool has_dwarf;
    struct image file, debug, alt;
    const char *debug_path; /* of `debug` */
    struct pool pool;
    struct module *free_next;
    struct dwarf dwarf, alt_dwarf;
    struct symbol *symbols; /* by address */
    size_t nsymbols;
};

/* ---- modules.c; callers hold rank symb, but for modules_current */
/* Is what is known of the loaded modules up to date? Takes the loader's lock. */
bool modules_current(void);
/* Learns which modules are loaded. */
void modules_refresh(void);
/* NULL: there is none. */
struct module *module_at(uintptr_t pc);
/* Opens its files at the first time. */
void module_open(struct module *m);
/* Forgets what was read, for ever. */
void module_break(struct module *m);
/* The symbol that covers `addr`, or the nearest before it when that has no size; NULL: none. */
const struct symbol *module_symbol(const struct module *m, uint64_t addr);

/* ---- names.c */
struct symb_answer;
/* Fills the lines of `a`, which has room for SYMB_LINES, with what the files of `m` say of `pc`. */
void module_describe(struct module *m, uintptr_t pc, struct symb_answer *a);

/* ---- debugfile.c */
/* Opens the separate file with debugging information of `m`, if there is one, to m->debug. */
bool debugfile_open(struct module *m);
/* The file that `from`, at `path`, shares debugging information with, to m->alt. */
bool debugfile_open_alt(struct module *m, const struct image *from, const char *path);

/* ---- intern.c: texts that live as long as the process; callers hold rank symb */
extern struct pool immortal;
/* A copy of `s`, the same one each time; NULL: no memory. */
const char *intern(const char *s);

#endif
