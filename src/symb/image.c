/* image.c: sections, notes and bytes of an ELF file.
 *
 * Holds   every offset of the file is checked against its length before it is followed.
 */
#include "symb/image.h"

#include "os/mapfile.h"
#include "os/os.h"
#include "symb/inflate.h"

/* What deflate can do at best: a larger claim is a lie. */
enum { PACKED_TIMES_MAX = 1032 };

static struct part part_of(struct part file, uint64_t offset, uint64_t n)
{
    if (offset > file.n || n > file.n - offset)
        return (struct part){.p = NULL};
    return (struct part){.p = file.p + offset, .n = (size_t)n};
}

static const ElfW(Ehdr) * header(const struct image *im)
{
    return (const ElfW(Ehdr) *)(const void *)im->file.p;
}

/* Tables are read in place. */
static bool aligned(const void *p)
{
    return (uintptr_t)p % sizeof(uint64_t) == 0;
}

static void find_sections(struct image *im)
{
    const ElfW(Ehdr) *eh = header(im);
    struct part first = part_of(im->file, eh->e_shoff, sizeof(ElfW(Shdr)));
    if (eh->e_shentsize != sizeof(ElfW(Shdr)) || first.p == NULL || !aligned(first.p))
        return;
    const ElfW(Shdr) *sh = (const ElfW(Shdr) *)(const void *)first.p;
    uint64_t n = eh->e_shnum != 0 ? eh->e_shnum : sh->sh_size;
    uint32_t names = eh->e_shstrndx != SHN_XINDEX ? eh->e_shstrndx : sh->sh_link;
    if (n > UINT32_MAX || part_of(im->file, eh->e_shoff, n * sizeof *sh).p == NULL)
        return;
    im->sections = sh;
    im->nsections = (uint32_t)n;
    const ElfW(Shdr) *of_names = image_nth(im, names);
    if (of_names != NULL)
        im->names = image_raw(im, of_names);
}

bool image_of(struct image *im, struct part file)
{
    *im = (struct image){.file = file};
    const ElfW(Ehdr) *eh = header(im);
    if (file.n < sizeof *eh || !aligned(file.p) || memcmp(eh->e_ident, ELFMAG, SELFMAG) != 0 ||
        eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_ident[EI_DATA] != ELFDATA2LSB) {
        im->file.p = NULL;
        return false;
    }
    find_sections(im);
    return true;
}

bool image_open(struct image *im, const char *path)
{
    struct part file = {.n = 0};
    file.p = os_map_file(path, &file.n);
    if (file.p != NULL && image_of(im, file))
        return true;
    if (file.p != NULL)
        os_unmap((void *)(uintptr_t)file.p, file.n);
    *im = (struct image){.nsections = 0};
    return false;
}

void image_close(struct image *im)
{
    if (im->file.p != NULL)
        os_unmap((void *)(uintptr_t)im->file.p, im->file.n);
    *im = (struct image){.nsections = 0};
}

struct part image_raw(const struct image *im, const ElfW(Shdr) * sh)
{
    if (sh->sh_type == SHT_NOBITS)
        return (struct part){.p = NULL};
    return part_of(im->file, sh->sh_offset, sh->sh_size);
}

const ElfW(Shdr) * image_nth(const struct image *im, uint32_t i)
{
    return i < im->nsections ? &im->sections[i] : NULL;
}

const ElfW(Shdr) * image_typed(const struct image *im, uint32_t type)
{
    for (uint32_t i = 0; i < im->nsections; i++)
        if (im->sections[i].sh_type == type)
            return &im->sections[i];
    return NULL;
}

static const ElfW(Shdr) * image_named(const struct image *im, const char *name)
{
    for (uint32_t i = 0; i < im->nsections; i++) {
        const char *s = part_text(im->names, im->sections[i].sh_name);
        if (s != NULL && strcmp(s, name) == 0)
            return &im->sections[i];
    }
    return NULL;
}

static struct part unpack(struct part packed, uint64_t n, struct pool *p)
{
    struct part out = {.p = NULL};
    unsigned char *to = n / PACKED_TIMES_MAX <= packed.n && n > 0 ? pool_take(p, (size_t)n) : NULL;
    if (to != NULL && inflate_zlib(packed, to, (size_t)n))
        out = (struct part){.p = to, .n = (size_t)n};
    return out;
}

/* Before ELF knew of compression: .zdebug_*, with "ZLIB" and the size, its big end first. */
static struct part old_section(const struct image *im, const char *name, struct pool *p)
{
    char old[32] = ".z";
    enum { MAGIC = 4, SIZE = 8 };
    if (strncmp(name, ".debug_", 7) != 0 || strlen(name) > sizeof old - 3)
        return (struct part){.p = NULL};
    memcpy(old + 2, name + 1, strlen(name + 1));
    const ElfW(Shdr) *sh = image_named(im, old);
    struct part raw = sh != NULL ? image_raw(im, sh) : (struct part){.p = NULL};
    if (raw.n < MAGIC + SIZE || memcmp(raw.p, "ZLIB", MAGIC) != 0)
        return (struct part){.p = NULL};
    uint64_t n = 0;
    for (int i = 0; i < SIZE; i++)
        n = n << 8 | raw.p[MAGIC + i];
    return unpack((struct part){.p = raw.p + MAGIC + SIZE, .n = raw.n - MAGIC - SIZE}, n, p);
}

struct part image_section(const struct image *im, const char *name, struct pool *p)
{
    const ElfW(Shdr) *sh = image_named(im, name);
    if (sh == NULL)
        return old_section(im, name, p);
    struct part raw = image_raw(im, sh);
    if ((sh->sh_flags & SHF_COMPRESSED) == 0)
        return raw;
    ElfW(Chdr) ch;
    if (raw.n < sizeof ch)
        return (struct part){.p = NULL};
    memcpy(&ch, raw.p, sizeof ch);
    if (ch.ch_type != ELFCOMPRESS_ZLIB)
        return (struct part){.p = NULL};
    return unpack((struct part){.p = raw.p + sizeof ch, .n = raw.n - sizeof ch}, ch.ch_size, p);
}

struct build_id image_build_id(const struct image *im)
{
    struct build_id id = {.n = 0};
    for (uint32_t i = 0; i < im->nsections && id.n == 0; i++)
        if (im->sections[i].sh_type == SHT_NOTE)
            id = build_id_among(image_raw(im, &im->sections[i]));
    return id;
}

const unsigned char *image_at(const struct image *im, uint64_t addr, size_t n)
{
    if (im->file.p == NULL)
        return NULL;
    const ElfW(Ehdr) *eh = header(im);
    struct part table = part_of(im->file, eh->e_phoff, (uint64_t)eh->e_phnum * sizeof(ElfW(Phdr)));
    if (table.p == NULL || eh->e_phentsize != sizeof(ElfW(Phdr)) || !aligned(table.p))
        return NULL;
    const ElfW(Phdr) *ph = (const ElfW(Phdr) *)(const void *)table.p;
    for (unsigned i = 0; i < eh->e_phnum; i++)
        if (ph[i].p_type == PT_LOAD && addr >= ph[i].p_vaddr && n <= ph[i].p_filesz &&
            addr - ph[i].p_vaddr <= ph[i].p_filesz - n)
            return part_of(im->file, ph[i].p_offset + (addr - ph[i].p_vaddr), n).p;
    return NULL;
}

uint32_t image_crc(const struct image *im)
{
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++)
            c = c & 1 ? 0xEDB88320u ^ c >> 1 : c >> 1;
        table[i] = c;
    }
    for (size_t i = 0; i < im->file.n; i++)
        crc = table[(crc ^ im->file.p[i]) & 0xff] ^ crc >> 8;
    return ~crc;
}
