/* maps.c: what is mapped where.
 *
 * Owns    the table of executable mappings of this process, with the build ids of the modules, by which
 *         names can be found later and elsewhere.
 * Holds   nothing is trusted: lines are parsed as far as they make sense.
 * Locks   the loader's (dl_iterate_phdr): only in prof_foreign.
 * Instead of the notes of the files: what is mapped is in memory, also when its file was replaced.
 */
#include "prof/prof_int.h"

#include "os/loaded.h"
#include "os/mapfile.h"
#include "os/os.h"
#include "symb/build_id.h"

#include <string.h>
#include <unistd.h>

/* ---- modules */
static int name_module(struct dl_phdr_info *info, size_t size, void *maps)
{
    struct prof_maps *m = maps;
    size_t id = 0;
    (void)size;
    for (size_t i = 0; i < m->n; i++) {
        if (m->map[i].build_id != 0 || !loaded_holds(info, (uintptr_t)m->map[i].start, 1, PF_X))
            continue;
        if (id == 0) {
            struct build_id its = build_id_loaded(info);
            char text[BUILD_ID_TEXT];
            id = m->text.len;
            if (its.n == 0)
                return 0;
            pbuf_bytes(&m->text, text, build_id_text(&its, text) + 1);
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
