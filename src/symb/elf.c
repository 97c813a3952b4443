/* elf.c: names from the symbol tables of the files themselves.
 *
 * Owns    the way out of a dying program that cannot have the tables of names.c: which loaded module holds
 *         a pc, and which function symbol of its file covers it.
 * Locks   the loader's (dl_iterate_phdr). Mapped files are kept in a small table, first come.
 */
#include "symb/symb.h"

#include "base/atomic.h"
#include "os/loaded.h"
#include "symb/image.h"

enum { MODULES = 16 };

/* One mapped file per loaded module, found by its bias. */
static struct {
    au32 state; /* 0 free, 1 being filled, 2 ready */
    uintptr_t bias;
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
    if (!loaded_holds(info, q->pc, 1, 0))
        return 0;
    q->bias = info->dlpi_addr;
    q->path =
        info->dlpi_name != NULL && info->dlpi_name[0] != '\0' ? info->dlpi_name : "/proc/self/exe";
    q->found = true;
    return 1;
}

static bool table_search(const struct image *im, uintptr_t bias, uint32_t type, uintptr_t addr,
                         struct symb_symbol *out)
{
    const ElfW(Shdr) *table = image_typed(im, type);
    const ElfW(Shdr) *texts = table != NULL ? image_nth(im, table->sh_link) : NULL;
    if (texts == NULL)
        return false;
    struct part names = image_raw(im, texts), raw = image_raw(im, table);
    ElfW(Sym) sym;
    for (size_t at = 0; raw.n - at >= sizeof sym; at += sizeof sym) {
        memcpy(&sym, raw.p + at, sizeof sym);
        const char *name = part_text(names, sym.st_name);
        if ((sym.st_info & 0xf) != STT_FUNC || sym.st_shndx == SHN_UNDEF || name == NULL ||
            addr < sym.st_value || addr - sym.st_value >= sym.st_size)
            continue;
        out->name = name;
        out->entry = sym.st_value + bias;
        return true;
    }
    return false;
}

static const struct image *module_image(const struct query *q)
{
    for (int i = 0; i < MODULES; i++) {
        struct image *im = &modules[i].image;
        if (load_acq(&modules[i].state) == 2 &&
            modules[i].bias == q->bias) /* pairs with store_rel below */
            return im->file.p != NULL ? im : NULL;
        if (!cas_acq(&modules[i].state, 0u, 1u))
            continue;
        modules[i].bias = q->bias;
        (void)image_open(im, q->path);
        store_rel(&modules[i].state, 2u);
        return im->file.p != NULL ? im : NULL;
    }
    return NULL;
}

bool symb_elf_symbol(uintptr_t pc, struct symb_symbol *s)
{
    struct query q = {.pc = pc};
    dl_iterate_phdr(module_holds, &q);
    const struct image *im = q.found ? module_image(&q) : NULL;
    return im != NULL && (table_search(im, q.bias, SHT_SYMTAB, pc - q.bias, s) ||
                          table_search(im, q.bias, SHT_DYNSYM, pc - q.bias, s));
}
