/* cfi_modules.c: whose unwind tables tell about an address.
 *
 * Owns    the table of modules that are never unloaded; asking the loader about the others.
 * Holds   1. A module is in the table only if the loader keeps it as long as the process lives: the program,
 *            what it needs, what that needs, and the kernel's own. What it learns of their code stays true.
 *         2. An entry is written once, before `count` says so.
 * Locks   symb_init takes the loader's. The rest takes none: SIGSAFE.
 *
 * Others are asked for anew each time, by _dl_find_object, which takes no lock (glibc 2.35 and later); on
 * older systems they have no tables, and their frames are found by frame pointers.
 */
#include "symb/cfi.h"

#include "base/atomic.h"
#include "os/mapfile.h"
#include "symb/symb.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

enum { MODULES_MAX = 64, FOUND_MAX = 256 };

struct stayer {
    uintptr_t lo, hi;
    uintptr_t code_lo, code_hi; /* of what may be executed in it */
    struct cfi_tables tables;
};

static struct {
    struct stayer at[MODULES_MAX];
    au32 count;
} staying;

/* ---- one module's segments */
struct image {
    uintptr_t bias;
    const ElfW(Phdr) * ph;
    size_t n;
};

/* Where the readable segment with `addr` ends; *lo is where it begins. NULL: there is none. */
static const uint8_t *segment_of(const struct image *im, uintptr_t addr, const uint8_t **lo)
{
    for (size_t i = 0; i < im->n; i++) {
        const ElfW(Phdr) *p = &im->ph[i];
        uintptr_t begin = im->bias + p->p_vaddr;
        if (p->p_type != PT_LOAD || (p->p_flags & PF_R) == 0 || addr - begin >= p->p_filesz)
            continue;
        *lo = (const uint8_t *)begin;
        return (const uint8_t *)(begin + p->p_filesz);
    }
    return NULL;
}

/* The tables behind a header. Most often .eh_frame lies in the header's segment; its address stands in
 * the header, four bytes from its beginning, as a distance from there. */
static bool tables_of_header(const struct image *im, uintptr_t header, struct cfi_tables *t)
{
    enum { FRAMES_FORM = 0x1b, FRAMES_AT = 4 };
    const uint8_t *lo;
    int32_t distance;
    memset(t, 0, sizeof *t);
    t->header = (const uint8_t *)header;
    t->header_end = segment_of(im, header, &lo);
    if (t->header_end == NULL || t->header_end - t->header < FRAMES_AT + (int)sizeof distance)
        return false;
    t->frames_lo = lo;
    t->frames_hi = t->header_end;
    if (t->header[1] != FRAMES_FORM)
        return true;
    memcpy(&distance, t->header + FRAMES_AT, sizeof distance);
    uintptr_t frames = header + FRAMES_AT + (uintptr_t)(intptr_t)distance;
    const uint8_t *end = segment_of(im, frames, &lo);
    if (end == NULL)
        return false;
    t->frames_lo = lo;
    t->frames_hi = end;
    return true;
}

/* ---- modules that the loader knows, one at a time */
/* The program headers of the module mapped from `at` on: they stand in its first page. */
static bool image_at(uintptr_t at, struct image *im)
{
    enum { SURELY_MAPPED = 4096 };
    const ElfW(Ehdr) *e = (const ElfW(Ehdr) *)at;
    if (memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 || e->e_phentsize != sizeof *im->ph ||
        e->e_phoff % sizeof(uintptr_t) != 0 ||
        e->e_phoff > SURELY_MAPPED - e->e_phnum * sizeof *im->ph ||
        e->e_phnum > SURELY_MAPPED / sizeof *im->ph)
        return false;
    im->ph = (const ElfW(Phdr) *)(at + e->e_phoff);
    im->n = e->e_phnum;
    for (size_t i = 0; i < im->n; i++) {
        if (im->ph[i].p_type != PT_LOAD)
            continue;
        im->bias = at - (im->ph[i].p_vaddr & ~(uintptr_t)(SURELY_MAPPED - 1));
        return im->ph[i].p_offset < SURELY_MAPPED; /* else `at` is not where the file begins */
    }
    return false;
}

#ifdef DLFO_EH_SEGMENT_TYPE
#pragma weak _dl_find_object

static bool ask_loader(uintptr_t addr, struct cfi_tables *t)
{
    struct dl_find_object o;
    struct image im;
    return _dl_find_object != NULL && _dl_find_object((void *)addr, &o) == 0 &&
           o.dlfo_eh_frame != NULL && image_at((uintptr_t)o.dlfo_map_start, &im) &&
           tables_of_header(&im, (uintptr_t)o.dlfo_eh_frame, t);
}
#else
static bool ask_loader(uintptr_t addr, struct cfi_tables *t)
{
    (void)addr, (void)t;
    return false;
}
#endif

static const struct stayer *stayer_with(uintptr_t addr)
{
    uint32_t n = load_acq(&staying.count); /* pairs with add_staying */
    for (uint32_t i = 0; i < n; i++)
        if (addr >= staying.at[i].lo && addr < staying.at[i].hi)
            return &staying.at[i];
    return NULL;
}

bool symb_stays(uintptr_t addr)
{
    return stayer_with(addr) != NULL;
}

bool cfi_module(uintptr_t addr, struct cfi_tables *t, bool *stays)
{
    const struct stayer *m = stayer_with(addr);
    *stays = m != NULL && addr >= m->code_lo && addr < m->code_hi;
    if (m == NULL)
        return ask_loader(addr, t);
    *t = m->tables;
    return *stays && t->frames_lo != NULL;
}

bool symb_has_tables(uintptr_t pc)
{
    struct cfi_tables t;
    bool stays;
    return cfi_module(pc, &t, &stays);
}

/* ---- which ones stay */
struct found {
    struct image im;
    const char *path;
    const ElfW(Dyn) * dynamic;
    bool stays;
};

struct listing {
    struct found at[FOUND_MAX];
    size_t n;
};

static int list_one(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct listing *l = arg;
    (void)size;
    if (l->n == FOUND_MAX)
        return 1;
    struct found *f = &l->at[l->n++];
    *f = (struct found){.im = {info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum},
                        .path = info->dlpi_name != NULL ? info->dlpi_name : ""};
    for (size_t i = 0; i < f->im.n; i++)
        if (f->im.ph[i].p_type == PT_DYNAMIC)
            f->dynamic = (const ElfW(Dyn) *)(f->im.bias + f->im.ph[i].p_vaddr);
    return 0;
}

/* The value of the entry behind `*from` with `tag`, and its place; false: no more. */
static bool dynamic_next(const struct found *f, const ElfW(Dyn) * *from, ElfW(Sxword) tag,
                         uintptr_t *v)
{
    const ElfW(Dyn) *d = *from == NULL ? f->dynamic : *from + 1;
    for (; d != NULL && d->d_tag != DT_NULL; d++) {
        if (d->d_tag != tag)
            continue;
        *from = d;
        *v = d->d_un.d_val;
        return true;
    }
    return false;
}

static const char *strings_of(const struct found *f)
{
    const ElfW(Dyn) *at = NULL;
    uintptr_t v;
    if (!dynamic_next(f, &at, DT_STRTAB, &v))
        return NULL;
    return (const char *)(v < f->im.bias ? f->im.bias + v : v); /* not relocated in the kernel's */
}

static bool is_called(const struct found *f, const char *name)
{
    const ElfW(Dyn) *at = NULL;
    const char *strings = strings_of(f), *slash = strrchr(f->path, '/');
    uintptr_t v;
    if (strings != NULL && dynamic_next(f, &at, DT_SONAME, &v))
        return strcmp(strings + v, name) == 0;
    return strcmp(slash != NULL ? slash + 1 : f->path, name) == 0 || strcmp(f->path, name) == 0;
}

/* What `f` needs, stays with it; true if anything is new. A name belongs to one module only: the loader
 * takes a second library of the same name for the first. */
static bool mark_needed(struct listing *l, const struct found *f)
{
    const char *strings = strings_of(f);
    const ElfW(Dyn) *at = NULL;
    uintptr_t v;
    bool any = false;
    while (strings != NULL && dynamic_next(f, &at, DT_NEEDED, &v))
        for (size_t i = 0; i < l->n; i++)
            if (!l->at[i].stays && is_called(&l->at[i], strings + v))
                l->at[i].stays = any = true;
    return any;
}

/* ---- a static program's tables */
/* Its linker writes no header unless asked, so the section is looked up in the file. */
static bool tables_of_file(const struct image *im, struct cfi_tables *t)
{
    size_t len;
    const uint8_t *file = os_map_file("/proc/self/exe", &len);
    const ElfW(Ehdr) *e = (const ElfW(Ehdr) *)file;
    if (file == NULL || len < sizeof *e || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 ||
        e->e_shentsize != sizeof(ElfW(Shdr)) || e->e_shoff > len ||
        e->e_shnum > (len - e->e_shoff) / sizeof(ElfW(Shdr)) || e->e_shstrndx >= e->e_shnum)
        return false;
    const ElfW(Shdr) *sh = (const ElfW(Shdr) *)(file + e->e_shoff);
    const ElfW(Shdr) *names = &sh[e->e_shstrndx];
    for (size_t i = 0; i < e->e_shnum; i++) {
        static const char want[] = ".eh_frame";
        if (names->sh_offset > len || names->sh_size > len - names->sh_offset ||
            names->sh_size < sizeof want || sh[i].sh_name > names->sh_size - sizeof want ||
            memcmp(file + names->sh_offset + sh[i].sh_name, want, sizeof want) != 0)
            continue;
        memset(t, 0, sizeof *t);
        t->frames = (const uint8_t *)(im->bias + sh[i].sh_addr);
        t->frames_hi = segment_of(im, (uintptr_t)t->frames, &t->frames_lo);
        return t->frames_hi != NULL;
    }
    return false;
}

static void add_staying(const struct found *f, bool is_program)
{
    uint32_t n = load_rlx(&staying.count);
    if (n == MODULES_MAX)
        return;
    struct stayer *m = &staying.at[n];
    uintptr_t header = 0;
    *m = (struct stayer){.lo = UINTPTR_MAX, .code_lo = UINTPTR_MAX};
    for (size_t i = 0; i < f->im.n; i++) {
        const ElfW(Phdr) *p = &f->im.ph[i];
        uintptr_t lo = f->im.bias + p->p_vaddr;
        if (p->p_type == PT_GNU_EH_FRAME)
            header = lo;
        if (p->p_type != PT_LOAD)
            continue;
        m->lo = lo < m->lo ? lo : m->lo;
        m->hi = lo + p->p_memsz > m->hi ? lo + p->p_memsz : m->hi;
        if ((p->p_flags & PF_X) == 0)
            continue;
        m->code_lo = lo < m->code_lo ? lo : m->code_lo;
        m->code_hi = lo + p->p_memsz > m->code_hi ? lo + p->p_memsz : m->code_hi;
    }
    bool ok = header != 0 ? tables_of_header(&f->im, header, &m->tables)
                          : is_program && tables_of_file(&f->im, &m->tables);
    if (!ok)
        memset(&m->tables, 0, sizeof m->tables);
    store_rel(&staying.count, n + 1); /* pairs with stayer_with */
}

void symb_init(void)
{
    static struct listing all;
    bool more = true;
    if (all.n != 0)
        return;
    dl_iterate_phdr(list_one, &all);
    uintptr_t kernels = getauxval(AT_SYSINFO_EHDR);
    for (size_t i = 0; i < all.n; i++)
        if (i == 0 || (kernels != 0 && all.at[i].im.bias == kernels))
            all.at[i].stays = true;
    while (more) {
        more = false;
        for (size_t i = 0; i < all.n; i++)
            more |= all.at[i].stays && mark_needed(&all, &all.at[i]);
    }
    for (size_t i = 0; i < all.n; i++)
        if (all.at[i].stays)
            add_staying(&all.at[i], i == 0);
}
