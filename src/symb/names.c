/* names.c: the function, file and line of an instruction, with the calls that were inlined there.
 *
 * Owns    one libdwfl session over this process, made at the first question and kept. Strings that
 *         it gave out live as long as it does.
 * Locks   rank symb around all of libdw, which is not for several threads. A dying program may find
 *         it held by a thread that is frozen: after a while it goes on with elf.c.
 * Instead of a line table of our own: DWARF 2 to 5, compressed and separate debug files, and
 * inlined calls are what elfutils exists for.
 */
#include "symb/symb.h"

#include "os/os.h"
#include "symb/symb_int.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CACHE_SLOTS = 512, CACHE_LINES = 6 };
enum { PATIENCE_NS = 1500 * 1000000, LOOK_NS = 1000000 };

/* The library's text, when it was joined with its code in a section of its own. */
extern const char text_begin[] __asm__("__start_gort_text")
    __attribute__((weak, visibility("hidden")));
extern const char text_end[] __asm__("__stop_gort_text")
    __attribute__((weak, visibility("hidden")));

/* ---- libdw, if there is one */
#if __has_include(<elfutils/libdwfl.h>)
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <link.h>

#define IMPORT(name) __typeof__(name) *name;
static struct {
#include "symb/libdw.def"
} dw;
#undef IMPORT

static struct lock names_lock = LOCK_INIT(symb);
/* lock: */
static Dwfl *session;
/* What was asked lately: a dump of many goroutines asks the same few questions again and again. */
static struct answer {
    uintptr_t pc;
    size_t n;
    struct symb_line lines[CACHE_LINES];
} answers[CACHE_SLOTS];
static unsigned long long modules_seen; /* loads and unloads that `session` knows of */

static bool dw_load(void)
{
#define IMPORT(name) {#name, (void **)&dw.name},
    static const struct symb_import imports[] = {
#include "symb/libdw.def"
    };
#undef IMPORT
    static struct symb_library lib = {.name = "libdw.so.1"};
    return symb_library_load(&lib, imports, ARRAY_LEN(imports));
}

/* Separate debug files, but none over the network: this may be a dying program. */
static int find_debuginfo(Dwfl_Module *mod, void **data, const char *name, Dwarf_Addr base,
                          const char *file, const char *link, GElf_Word crc, char **found)
{
    const char *urls = os_env("DEBUGINFOD_URLS");
    if (urls != NULL && urls[0] != '\0')
        return -1;
    return dw.dwfl_standard_find_debuginfo(mod, data, name, base, file, link, crc, found);
}

static int count_modules(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(unsigned long long *)arg = info->dlpi_adds + info->dlpi_subs;
    return 1;
}

/* Learns which modules are loaded, when that has changed. */
static void session_refresh(void)
{
    unsigned long long now = 0;
    dl_iterate_phdr(count_modules, &now);
    if (session == NULL || now == modules_seen)
        return;
    modules_seen = now;
    memset(answers, 0, sizeof answers);
    dw.dwfl_report_begin(session);
    dw.dwfl_linux_proc_report(session, getpid());
    dw.dwfl_report_end(session, NULL, NULL);
}

static Dwfl_Module *module_at(uintptr_t pc)
{
    static Dwfl_Callbacks callbacks;
    if (session == NULL) {
        callbacks.find_elf = dw.dwfl_linux_proc_find_elf;
        callbacks.find_debuginfo = find_debuginfo;
        session = dw.dwfl_begin(&callbacks);
    }
    session_refresh();
    return session != NULL ? dw.dwfl_addrmodule(session, pc) : NULL;
}

/* The compilation unit of `pc`. The index by address is optional: clang writes none, and then all
 * units are asked. */
static Dwarf_Die *unit_at(Dwfl_Module *mod, uintptr_t pc, Dwarf_Addr *bias)
{
    Dwarf_Die *cu = dw.dwfl_module_addrdie(mod, pc, bias);
    if (cu != NULL)
        return cu;
    while ((cu = dw.dwfl_module_nextcu(mod, cu, bias)) != NULL)
        if (dw.dwarf_haspc(cu, pc - *bias) > 0)
            return cu;
    return NULL;
}

static const char *unit_dir(Dwarf_Die *cu)
{
    Dwarf_Attribute a;
    return dw.dwarf_attr(cu, DW_AT_comp_dir, &a) != NULL ? dw.dwarf_formstring(&a) : NULL;
}

static bool attr_number(Dwarf_Die *die, unsigned name, Dwarf_Word *v)
{
    Dwarf_Attribute a;
    return dw.dwarf_attr(die, name, &a) != NULL && dw.dwarf_formudata(&a, v) == 0;
}

/* Where the inlined subroutine `die` was called. */
static void call_site(Dwarf_Die *die, struct symb_line *l)
{
    Dwarf_Die cu;
    Dwarf_Files *files;
    Dwarf_Word v;
    if (attr_number(die, DW_AT_call_line, &v))
        l->line = (int)v;
    if (dw.dwarf_diecu(die, &cu, NULL, NULL) == NULL)
        return;
    if (attr_number(die, DW_AT_call_file, &v) && dw.dwarf_getsrcfiles(&cu, &files, NULL) == 0)
        l->file = dw.dwarf_filesrc(files, v, NULL, NULL);
    l->dir = unit_dir(&cu);
}

static bool is_function(int tag)
{
    return tag == DW_TAG_subprogram || tag == DW_TAG_inlined_subroutine;
}

/* Fills lines from the scopes of `pc`, the innermost first. A line's place is the instruction for
 * the first, the call of the one before for the others. The count; 0 when there is no DWARF. */
static size_t lines_of_scopes(Dwarf_Die *scope, int n, struct symb_line *lines, size_t max)
{
    size_t k = 0;
    struct symb_line place = lines[0];
    for (int i = 0; i < n && k < max; i++) {
        if (!is_function(dw.dwarf_tag(&scope[i])))
            continue;
        bool inlined = dw.dwarf_tag(&scope[i]) == DW_TAG_inlined_subroutine;
        Dwarf_Addr entry = 0;
        lines[k] = place;
        lines[k].function = dw.dwarf_diename(&scope[i]);
        lines[k].inlined = inlined;
        if (!inlined && dw.dwarf_entrypc(&scope[i], &entry) == 0)
            lines[k].entry = entry;
        k++;
        if (!inlined)
            return k;
        call_site(&scope[i], &place);
    }
    return k > 0 && !lines[k - 1].inlined ? k : 0;
}

/* Scopes by address end at an inlined call's definition, not at its caller; from the innermost DIE
 * outwards they go through the callers. */
static size_t lines_of_unit(Dwarf_Die *cu, Dwarf_Addr addr, struct symb_line *lines, size_t max)
{
    Dwarf_Die *by_addr = NULL, *by_die = NULL;
    size_t k = 0;
    if (dw.dwarf_getscopes(cu, addr, &by_addr) > 0) {
        int n = dw.dwarf_getscopes_die(&by_addr[0], &by_die);
        k = lines_of_scopes(by_die, n, lines, max);
    }
    free(by_addr);
    free(by_die);
    return k;
}

/* The instruction's own file and line. */
static void source_line(Dwarf_Die *cu, Dwarf_Addr addr, struct symb_line *l)
{
    Dwarf_Line *src = dw.dwarf_getsrc_die(cu, addr);
    if (src == NULL)
        return;
    l->file = dw.dwarf_linesrc(src, NULL, NULL);
    l->dir = unit_dir(cu);
    dw.dwarf_lineno(src, &l->line);
}

static size_t lines_of_dwarf(Dwfl_Module *mod, uintptr_t pc, struct symb_line *lines, size_t max)
{
    Dwarf_Addr bias = 0;
    Dwarf_Die *cu = unit_at(mod, pc, &bias);
    if (cu == NULL)
        return 0;
    source_line(cu, pc - bias, &lines[0]);
    size_t k = lines_of_unit(cu, pc - bias, lines, max);
    if (k > 0 && lines[k - 1].entry != 0)
        lines[k - 1].entry += bias;
    return k;
}

static size_t lines_of_module(Dwfl_Module *mod, uintptr_t pc, struct symb_line *lines, size_t max)
{
    if (mod == NULL)
        return 0;
    size_t k = lines_of_dwarf(mod, pc, lines, max);
    GElf_Off offset = 0;
    GElf_Sym sym;
    const char *name = dw.dwfl_module_addrinfo(mod, pc, &offset, &sym, NULL, NULL, NULL);
    if (k == 0) {
        lines[0].function = name;
        k = 1;
    }
    if (name != NULL) { /* the part of a split function that pc is in */
        lines[k - 1].entry = pc - offset;
        lines[k - 1].exported = GELF_ST_BIND(sym.st_info) != STB_LOCAL;
    }
    for (size_t i = 0; i + 1 < k; i++)
        lines[i].entry = lines[k - 1].entry;
    return k;
}

static size_t lines_locked(uintptr_t pc, struct symb_line *lines, size_t max)
{
    struct answer *a = &answers[(pc * 0x9E3779B97F4A7C15ull >> 32) % CACHE_SLOTS];
    Dwfl_Module *mod = module_at(pc); /* empties the cache when modules came or went */
    if (a->pc == pc && a->n <= max) {
        memcpy(lines, a->lines, a->n * sizeof lines[0]);
        return a->n;
    }
    size_t n = lines_of_module(mod, pc, lines, max);
    if (n > 0 && n <= CACHE_LINES) {
        a->pc = pc;
        a->n = n;
        memcpy(a->lines, lines, n * sizeof lines[0]);
    }
    return n;
}

static bool names_lock_patiently(void) NO_TSA
{
    for (int64_t waited = 0; waited < PATIENCE_NS; waited += LOOK_NS) {
        if (lock_try(&names_lock))
            return true;
        os_sleep_ns(LOOK_NS);
    }
    return false;
}

static size_t lines_by_libdw(uintptr_t pc, struct symb_line *lines, size_t max) NO_TSA
{
    if (!dw_load() || !names_lock_patiently())
        return 0;
    size_t k = lines_locked(pc, lines, max);
    unlock(&names_lock);
    return k;
}
#else
static size_t lines_by_libdw(uintptr_t pc, struct symb_line *lines, size_t max)
{
    (void)pc, (void)lines, (void)max;
    return 0;
}
#endif

size_t symb_lines(uintptr_t at, bool exact, enum symb_way way, struct symb_line *lines, size_t max)
{
    uintptr_t pc = exact ? at : at - 1;
    struct symb_symbol s;
    memset(&lines[0], 0, sizeof lines[0]);
    if (way == SYMB_SAFE)
        return 1;
    size_t k = lines_by_libdw(pc, lines, max);
    if (k > 0)
        return k;
    memset(&lines[0], 0, sizeof lines[0]);
    if (symb_elf_symbol(pc, &s)) {
        lines[0].function = s.name;
        lines[0].entry = s.entry;
    }
    return 1;
}

/* Objects that were not joined (tests that look inside) are told by where their source lies. */
static bool is_our_source(const struct symb_line *l)
{
    return l->file != NULL &&
           (strncmp(l->file, "src/", 4) == 0 || strstr(l->file, "/gort/src/") != NULL);
}

bool symb_is_runtime(uintptr_t pc, const struct symb_line *first)
{
    uintptr_t lo = (uintptr_t)text_begin, hi = (uintptr_t)text_end;
    if (lo != hi)
        return pc >= lo && pc <= hi;
    return is_our_source(first);
}

bool symb_in_own_text(uintptr_t pc)
{
    return pc >= (uintptr_t)text_begin && pc < (uintptr_t)text_end;
}
