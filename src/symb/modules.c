/* modules.c: which modules are loaded, and what their files say.
 *
 * Owns    the list of modules. A module stays known as long as the loader shows it with the same name, at
 *         the same place, with the same build id; or if nothing was unloaded since.
 * Holds   a file whose build id is not that in memory is another file by now, and is not read.
 * Locks   rank symb, held by callers; the loader's inside modules_current and modules_refresh.
 */
#include "symb/module.h"

#include "os/os.h"

#include <sys/auxv.h>
#include <unistd.h>

enum { PATH_BYTES = 1024, KERNEL_BYTES = 8192 };

static au64 known_changes; /* loads and unloads that are known of, plus 1; 0: nothing is */
static uint64_t known_unloads;
static struct vec all = VEC_OF(struct module *);

struct segment {
    uintptr_t lo, hi;
    struct module *m;
};
static struct vec segments = VEC_OF(struct segment); /* with code, by address */

/* ---- which are loaded */
struct changes {
    uint64_t loads, unloads;
};

static int count_changes(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(struct changes *)arg = (struct changes){.loads = info->dlpi_adds, .unloads = info->dlpi_subs};
    return 1;
}

bool modules_current(void)
{
    struct changes c = {.loads = 0};
    dl_iterate_phdr(count_changes, &c);
    return load_acq(&known_changes) == c.loads + c.unloads + 1; /* pairs with modules_refresh */
}

static uintptr_t first_byte(const struct dl_phdr_info *info)
{
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_LOAD)
            return info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    return 0;
}

static const char *path_of(const struct dl_phdr_info *info, char *room)
{
    if (info->dlpi_name != NULL && info->dlpi_name[0] != '\0')
        return info->dlpi_name;
    ssize_t n = readlink("/proc/self/exe", room, PATH_BYTES - 1);
    room[n > 0 ? n : 0] = '\0';
    return room;
}

static struct module *unloaded; /* whose memory may be used again */

static struct module *module_memory(void)
{
    struct module *m = unloaded;
    if (m == NULL)
        return pool_take(&immortal, sizeof *m);
    unloaded = m->free_next;
    memset((char *)m + sizeof m->epoch, 0, sizeof *m - sizeof m->epoch); /* it is the first field */
    return m;
}

static struct module *module_new(const struct dl_phdr_info *info, const char *path, uintptr_t lo,
                                 const struct build_id *id)
{
    const char *kept = intern(path);
    struct module **at = kept != NULL ? vec_add(&all) : NULL;
    struct module *m = at != NULL ? module_memory() : NULL;
    if (m == NULL) {
        all.n -= at != NULL;
        return NULL;
    }
    m->path = kept;
    m->bias = info->dlpi_addr;
    m->lo = lo;
    m->id = *id;
    unsigned long kernels = getauxval(AT_SYSINFO_EHDR);
    if (kernels != 0 && kernels == lo)
        m->memory = (struct part){.p = (const unsigned char *)kernels, .n = KERNEL_BYTES};
    return *at = m;
}

static struct module *module_known(const struct dl_phdr_info *info, const char *path, uintptr_t lo,
                                   const struct build_id *id, bool unloads)
{
    for (size_t i = 0; i < all.n; i++) {
        struct module *m = ((struct module **)all.at)[i];
        if (m->bias == info->dlpi_addr && m->lo == lo && strcmp(m->path, path) == 0 &&
            build_id_same(&m->id, id) && (id->n != 0 || !unloads || path[0] == '\0'))
            return m;
    }
    return NULL;
}

static void add_segments(const struct dl_phdr_info *info, struct module *m)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        bool is_code = ph->p_type == PT_LOAD && (ph->p_flags & PF_X) != 0;
        struct segment *s = is_code ? vec_add(&segments) : NULL;
        if (s != NULL)
            *s = (struct segment){.lo = info->dlpi_addr + ph->p_vaddr,
                                  .hi = info->dlpi_addr + ph->p_vaddr + ph->p_memsz,
                                  .m = m};
    }
}

static int note_module(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct changes *c = arg;
    char room[PATH_BYTES];
    const char *path = path_of(info, room);
    uintptr_t lo = first_byte(info);
    struct build_id id = build_id_loaded(info);
    (void)size;
    c->loads = info->dlpi_adds;
    c->unloads = info->dlpi_subs;
    struct module *m = module_known(info, path, lo, &id, c->unloads != known_unloads);
    if (m == NULL)
        m = module_new(info, path, lo, &id);
    if (m == NULL)
        return 0;
    m->seen = true;
    add_segments(info, m);
    return 0;
}

static bool segment_less(const void *a, const void *b)
{
    return ((const struct segment *)a)->lo < ((const struct segment *)b)->lo;
}

static void module_close(struct module *m)
{
    if (m->memory.p == NULL)
        image_close(&m->file);
    image_close(&m->debug);
    image_close(&m->alt);
    pool_drop(&m->pool);
    m->has_dwarf = false;
    m->nsymbols = 0;
}

static void drop_unseen(void)
{
    struct module **at = all.at;
    size_t kept = 0;
    for (size_t i = 0; i < all.n; i++) {
        if (at[i]->seen) {
            at[kept++] = at[i];
            continue;
        }
        add_rlx(&at[i]->epoch, 1u);
        module_close(at[i]);
        at[i]->free_next = unloaded;
        unloaded = at[i];
    }
    all.n = kept;
}

void modules_refresh(void)
{
    struct changes c = {.loads = 0};
    segments.n = 0;
    for (size_t i = 0; i < all.n; i++)
        ((struct module **)all.at)[i]->seen = false;
    dl_iterate_phdr(note_module, &c);
    drop_unseen();
    if (!pool_sort(segments.at, segments.n, sizeof(struct segment), segment_less))
        segments.n = 0;
    known_unloads = c.unloads;
    store_rel(&known_changes, c.loads + c.unloads + 1); /* pairs with modules_current */
}

struct module *module_at(uintptr_t pc)
{
    static size_t found; /* the last time: mostly it is the same one */
    const struct segment *s = segments.at;
    if (found < segments.n && pc >= s[found].lo && pc < s[found].hi &&
        (found + 1 == segments.n || pc < s[found + 1].lo))
        return s[found].m;
    size_t lo = 0, hi = segments.n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s[mid].lo <= pc)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == 0 || pc >= s[lo - 1].hi)
        return NULL;
    found = lo - 1;
    return s[found].m;
}

/* ---- symbols */
static bool is_code(const struct image *im, const ElfW(Sym) * sym)
{
    unsigned type = sym->st_info & 0xf;
    if (sym->st_shndx == SHN_UNDEF || sym->st_shndx == SHN_ABS || sym->st_value == 0)
        return false;
    if (type == STT_FUNC || type == STT_GNU_IFUNC)
        return true;
    const ElfW(Shdr) *sh = type == STT_NOTYPE ? image_nth(im, sym->st_shndx) : NULL;
    return sh != NULL && (sh->sh_flags & SHF_EXECINSTR) != 0; /* a label of assembly */
}

static void add_symbols(const struct image *im, uint32_t type, struct vec *to)
{
    const ElfW(Shdr) *table = image_typed(im, type);
    const ElfW(Shdr) *texts = table != NULL ? image_nth(im, table->sh_link) : NULL;
    if (texts == NULL)
        return;
    struct part names = image_raw(im, texts), raw = image_raw(im, table);
    ElfW(Sym) sym;
    for (size_t at = 0; raw.n - at >= sizeof sym; at += sizeof sym) {
        memcpy(&sym, raw.p + at, sizeof sym);
        if (!is_code(im, &sym))
            continue;
        const char *name = part_text(names, sym.st_name);
        if (name == NULL || name[0] == '\0' || name[0] == '$') /* $x: arm64's, not a name */
            continue;
        struct symbol *s = vec_more(to, sizeof *s);
        if (s == NULL)
            return;
        *s = (struct symbol){.addr = sym.st_value,
                             .bytes = sym.st_size,
                             .name = name,
                             .global = sym.st_info >> 4 != STB_LOCAL};
    }
}

static size_t underscores(const char *s)
{
    size_t n = 0;
    while (s[n] == '_')
        n++;
    return n;
}

/* Of several at one address the best comes last: with a size, global, with the plainest name. */
static bool symbol_less(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;
    if (x->addr != y->addr)
        return x->addr < y->addr;
    if ((x->bytes != 0) != (y->bytes != 0))
        return x->bytes == 0;
    if (x->global != y->global)
        return !x->global;
    return underscores(x->name) > underscores(y->name);
}

static void read_symbols(struct module *m)
{
    struct vec v = VEC_OF(struct symbol);
    const struct image *full = image_typed(&m->file, SHT_SYMTAB) != NULL ? &m->file : &m->debug;
    add_symbols(full, SHT_SYMTAB, &v);
    add_symbols(&m->file, SHT_DYNSYM, &v);
    if (!pool_sort(v.at, v.n, sizeof(struct symbol), symbol_less))
        v.n = 0;
    m->nsymbols = v.n;
    m->symbols = vec_keep(&v, &m->pool);
    if (m->symbols == NULL)
        m->nsymbols = 0;
}

const struct symbol *module_symbol(const struct module *m, uint64_t addr)
{
    enum { LOOK_BACK = 16 };
    const struct symbol *s = m->symbols, *near = NULL;
    size_t lo = 0, hi = m->nsymbols;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s[mid].addr <= addr)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (size_t i = lo; i > 0 && lo - i < LOOK_BACK; i--) {
        const struct symbol *c = &s[i - 1];
        if (c->bytes != 0 && addr - c->addr < c->bytes)
            return c;
        if (c->bytes != 0)
            break; /* it ends before, and a label before it does not reach farther */
        if (near == NULL)
            near = c;
    }
    return near;
}

/* ---- files */
static void sections_of(struct dwarf *d, const struct image *im, struct pool *p)
{
    d->pool = p;
    d->info = image_section(im, ".debug_info", p);
    d->abbrev = image_section(im, ".debug_abbrev", p);
    d->aranges = image_section(im, ".debug_aranges", p);
    d->line = image_section(im, ".debug_line", p);
    d->str = image_section(im, ".debug_str", p);
    d->line_str = image_section(im, ".debug_line_str", p);
    d->ranges = image_section(im, ".debug_ranges", p);
    d->rnglists = image_section(im, ".debug_rnglists", p);
    d->addr = image_section(im, ".debug_addr", p);
    d->str_offsets = image_section(im, ".debug_str_offsets", p);
}

static void read_dwarf(struct module *m)
{
    struct dwarf *d = &m->dwarf;
    sections_of(d, &m->file, &m->pool);
    const struct image *from = &m->file;
    if (d->info.n == 0 && debugfile_open(m)) {
        sections_of(d, &m->debug, &m->pool);
        from = &m->debug;
    }
    if (d->info.n > 0 && debugfile_open_alt(m, from, from == &m->file ? m->path : m->debug_path)) {
        sections_of(&m->alt_dwarf, &m->alt, &m->pool);
        if (dwarf_begin(&m->alt_dwarf))
            d->alt = &m->alt_dwarf;
    }
    m->has_dwarf = d->info.n > 0 && dwarf_begin(d);
}

static bool open_file(struct module *m)
{
    if (m->memory.p != NULL)
        return image_of(&m->file, m->memory);
    char room[PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", room, sizeof room - 1);
    bool own = n > 0 && (size_t)n == strlen(m->path) && memcmp(room, m->path, (size_t)n) == 0;
    if (!image_open(&m->file, own ? "/proc/self/exe" : m->path))
        return false;
    struct build_id id = image_build_id(&m->file);
    if (m->id.n == 0 || id.n == 0 || build_id_same(&m->id, &id))
        return true;
    image_close(&m->file);
    return false;
}

void module_open(struct module *m)
{
    if (m->opened || m->broken)
        return;
    m->opened = true;
    if (!open_file(m))
        return;
    read_dwarf(m);
    read_symbols(m);
}

void module_break(struct module *m)
{
    m->broken = true;
    module_close(m);
}
