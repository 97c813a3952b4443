/* elf.c: names from the symbol tables of the files themselves.
 *
 * Owns    the way out where libdw is missing or cannot be used: which loaded module holds a pc, and
 *         which function symbol of its file covers it.
 * Holds   nothing is trusted: every offset of the file is checked against its length.
 * Locks   the loader's (dl_iterate_phdr). Mapped files are kept in a small table, first come.
 */
#include "symb/symb.h"

#include "base/atomic.h"
#include "os/mapfile.h"

#include <elf.h>
#include <link.h>
#include <string.h>

enum { MODULES = 16 };

struct image {
    const unsigned char *bytes;
    size_t len;
    uintptr_t bias;
};

/* One mapped file per loaded module, found by its bias. */
static struct {
    au32 state; /* 0 free, 1 being filled, 2 ready */
    struct image image;
} modules[MODULES];

struct query {
    uintptr_t pc, bias;
    const char *path;
    bool found;
};

static int module_holds(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct query *q = arg;
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t lo = info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type != PT_LOAD || q->pc < lo || q->pc - lo >= ph->p_memsz)
            continue;
        q->bias = info->dlpi_addr;
        q->path = info->dlpi_name != NULL && info->dlpi_name[0] != '\0' ? info->dlpi_name
                                                                        : "/proc/self/exe";
        q->found = true;
        return 1;
    }
    return 0;
}

static const void *part(const struct image *m, uint64_t offset, uint64_t bytes)
{
    return offset <= m->len && bytes <= m->len - offset ? m->bytes + offset : NULL;
}

/* The table with the index `want`, or the first of type `want_type` when that is not 0. */
static const ElfW(Shdr) * section(const struct image *m, uint32_t want, uint32_t want_type)
{
    const ElfW(Ehdr) *eh = part(m, 0, sizeof *eh);
    if (eh == NULL || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
        eh->e_shentsize != sizeof(ElfW(Shdr)))
        return NULL;
    const ElfW(Shdr) *sh = part(m, eh->e_shoff, (uint64_t)eh->e_shnum * sizeof *sh);
    if (sh == NULL)
        return NULL;
    for (uint32_t i = 0; i < eh->e_shnum; i++)
        if (want_type != 0 ? sh[i].sh_type == want_type : i == want)
            return &sh[i];
    return NULL;
}

static bool table_search(const struct image *m, uint32_t type, uintptr_t addr,
                         struct symb_symbol *out)
{
    const ElfW(Shdr) *table = section(m, 0, type);
    const ElfW(Shdr) *strings = table != NULL ? section(m, table->sh_link, 0) : NULL;
    if (strings == NULL)
        return false;
    const ElfW(Sym) *sym = part(m, table->sh_offset, table->sh_size);
    const char *text = part(m, strings->sh_offset, strings->sh_size);
    if (sym == NULL || text == NULL || strings->sh_size == 0 || text[strings->sh_size - 1] != '\0')
        return false;
    for (size_t i = 0; i < table->sh_size / sizeof *sym; i++) {
        uintptr_t entry = sym[i].st_value;
        if ((sym[i].st_info & 0xf) != STT_FUNC || sym[i].st_shndx == SHN_UNDEF || addr < entry ||
            addr - entry >= sym[i].st_size || sym[i].st_name >= strings->sh_size)
            continue;
        out->name = text + sym[i].st_name;
        out->entry = entry + m->bias;
        return true;
    }
    return false;
}

static const struct image *module_image(const struct query *q)
{
    for (int i = 0; i < MODULES; i++) {
        struct image *m = &modules[i].image;
        if (load_acq(&modules[i].state) == 2 && m->bias == q->bias) /* pairs with store_rel below */
            return m->bytes != NULL ? m : NULL;
        if (!cas_acq(&modules[i].state, 0u, 1u))
            continue;
        m->bias = q->bias;
        m->bytes = os_map_file(q->path, &m->len);
        store_rel(&modules[i].state, 2u);
        return m->bytes != NULL ? m : NULL;
    }
    return NULL;
}

bool symb_elf_symbol(uintptr_t pc, struct symb_symbol *s)
{
    struct query q = {.pc = pc};
    dl_iterate_phdr(module_holds, &q);
    const struct image *m = q.found ? module_image(&q) : NULL;
    return m != NULL && (table_search(m, SHT_SYMTAB, pc - q.bias, s) ||
                         table_search(m, SHT_DYNSYM, pc - q.bias, s));
}
