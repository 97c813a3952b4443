/* maps.c: what is mapped where.
 *
 * Owns    the table of executable mappings of this process, with the build ids of the modules, by which
 *         names can be found later and elsewhere.
 * Holds   nothing is trusted: lines are parsed as far as they make sense; every length of a note is
 *         checked, and a note is read only inside of a readable segment.
 * Locks   the loader's (dl_iterate_phdr): only in prof_foreign.
 * Instead of the notes of the files: what is mapped is in memory, also when its file was replaced.
 */
#include "prof/prof_int.h"

#include "os/mapfile.h"
#include "os/os.h"

#include <elf.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

/* ---- notes */
static size_t padded(size_t n)
{
    return (n + 3) & ~(size_t)3;
}

bool prof_build_id(const void *notes, size_t bytes, struct pbuf *out)
{
    const unsigned char *p = notes;
    ElfW(Nhdr) h;
    while (bytes >= sizeof h) {
        memcpy(&h, p, sizeof h);
        p += sizeof h;
        bytes -= sizeof h;
        if (h.n_namesz > bytes || padded(h.n_namesz) > bytes)
            return false;
        const unsigned char *desc = p + padded(h.n_namesz);
        size_t left = bytes - padded(h.n_namesz);
        if (h.n_descsz > left)
            return false;
        if (h.n_type == NT_GNU_BUILD_ID && h.n_namesz == 4 && memcmp(p, "GNU", 4) == 0) {
            for (size_t i = 0; i < h.n_descsz; i++) {
                pbuf_char(out, "0123456789abcdef"[desc[i] >> 4]);
                pbuf_char(out, "0123456789abcdef"[desc[i] & 15]);
            }
            return h.n_descsz > 0;
        }
        if (padded(h.n_descsz) > left)
            return false;
        p = desc + padded(h.n_descsz);
        bytes = left - padded(h.n_descsz);
    }
    return false;
}

struct place {
    uintptr_t addr, bytes;
    uint32_t flags; /* PF_* */
};

/* Does a loaded segment of the module, with these flags, hold all of it? */
static bool segment_holds(const struct dl_phdr_info *info, struct place at)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        uintptr_t lo = info->dlpi_addr + ph->p_vaddr;
        if (ph->p_type == PT_LOAD && (ph->p_flags & at.flags) == at.flags && at.addr >= lo &&
            at.addr - lo < ph->p_memsz && at.bytes <= ph->p_memsz - (at.addr - lo))
            return true;
    }
    return false;
}

static bool id_of_module(const struct dl_phdr_info *info, struct pbuf *out)
{
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
        struct place note = {info->dlpi_addr + ph->p_vaddr, ph->p_memsz, PF_R};
        if (ph->p_type == PT_NOTE && note.addr % 4 == 0 && segment_holds(info, note) &&
            prof_build_id((const void *)note.addr, note.bytes, out))
            return true;
    }
    return false;
}

static int name_module(struct dl_phdr_info *info, size_t size, void *maps)
{
    struct prof_maps *m = maps;
    size_t id = 0;
    (void)size;
    for (size_t i = 0; i < m->n; i++) {
        struct place code = {(uintptr_t)m->map[i].start, 1, PF_X};
        if (m->map[i].build_id != 0 || !segment_holds(info, code))
            continue;
        if (id == 0) {
            id = m->text.len;
            if (!id_of_module(info, &m->text))
                return 0;
            pbuf_char(&m->text, '\0');
        }
        m->map[i].build_id = id;
    }
    return 0;
}

/* ---- /proc/self/maps */
static uint64_t hex(const char **p)
{
    uint64_t v = 0;
    for (;; ++*p) {
        char c = **p;
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            v = v << 4 | (uint64_t)(c - 'a' + 10);
        else
            return v;
    }
}

static bool expect(const char **p, char c)
{
    if (**p != c)
        return false;
    ++*p;
    return true;
}

/* Without ` (deleted)`, which is not part of the name. */
static size_t add_file(struct prof_maps *m, const char *name)
{
    static const char gone[] = " (deleted)";
    size_t n = strlen(name), at = m->text.len;
    if (n > sizeof gone && strcmp(name + n - (sizeof gone - 1), gone) == 0)
        n -= sizeof gone - 1;
    pbuf_bytes(&m->text, name, n);
    pbuf_char(&m->text, '\0');
    return at;
}

bool prof_maps_line(struct prof_maps *m, const char *line)
{
    const char *p = line;
    struct prof_mapping new = {.start = hex(&p)};
    if (!expect(&p, '-'))
        return false;
    new.limit = hex(&p);
    if (!expect(&p, ' ') || strlen(p) < 5 || p[4] != ' ')
        return false;
    if (p[2] != 'x')
        return true;
    p += 5;
    new.offset = hex(&p);
    if (!expect(&p, ' '))
        return false;
    p += strcspn(p, " "); /* the device */
    p += strspn(p, " ");
    bool anonymous = *p == '0';
    p += strcspn(p, " ");
    p += strspn(p, " ");
    if (anonymous && *p == '\0')
        return true;
    struct prof_mapping *map = prof_table_room(m->map, &m->cap, m->n + 1, sizeof *map);
    if (map == NULL)
        return false;
    m->map = map;
    new.file = add_file(m, p);
    map[m->n++] = new;
    return true;
}

static bool read_all(const char *path, struct pbuf *b)
{
    enum { PIECE = 1 << 16 };
    int fd = os_open_read(path);
    if (fd < 0)
        return false;
    for (;;) {
        char *room = pbuf_room(b, PIECE);
        int64_t n = room != NULL ? os_read(fd, room, PIECE) : -ENOMEM;
        if (room != NULL)
            b->len -= PIECE - (size_t)(n > 0 ? n : 0);
        if (n <= 0)
            break;
    }
    close(fd); /* libc's, as it was opened: ThreadSanitizer follows descriptors */
    pbuf_char(b, '\0');
    return !b->failed;
}

static void find_main(struct prof_maps *m)
{
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    exe[n > 0 ? n : 0] = '\0';
    for (size_t i = 0; i < m->n; i++) {
        const char *file = m->text.mem + m->map[i].file;
        if (n > 0 && strncmp(file, exe, strlen(file)) == 0) { /* exe may end in ` (deleted)` */
            m->main = i;
            return;
        }
    }
}

bool prof_maps_read(struct prof_maps *m)
{
    struct pbuf lines = {.mem = NULL};
    *m = (struct prof_maps){.map = NULL};
    pbuf_char(&m->text, '\0');
    if (read_all("/proc/self/maps", &lines))
        for (char *at = lines.mem, *end; (end = strchr(at, '\n')) != NULL; at = end + 1) {
            *end = '\0';
            (void)prof_maps_line(m, at);
        }
    pbuf_free(&lines);
    if (m->text.failed)
        return false;
    find_main(m);
    dl_iterate_phdr(name_module, m);
    return !m->text.failed;
}

size_t prof_maps_find(const struct prof_maps *m, uint64_t addr)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (addr < m->map[mid].start)
            hi = mid;
        else if (addr >= m->map[mid].limit)
            lo = mid + 1;
        else
            return mid;
    }
    return m->n;
}

void prof_maps_free(struct prof_maps *m)
{
    prof_table_free(m->map, m->cap, sizeof m->map[0]);
    pbuf_free(&m->text);
}
