/* debugfile.c: where the debugging information of a stripped module lies.
 *
 * Owns    the places that distributions and debuggers agree on: /usr/lib/debug/.build-id, the name in
 *         .gnu_debuglink beside the module and below /usr/lib/debug, and dwz's common file.
 * Holds   a file is taken only when its build id, or else its checksum, is the right one. None is fetched
 *         over a network: this may be a dying program.
 */
#include "symb/module.h"

#include "base/fmt.h"

#define DEBUG_ROOT "/usr/lib/debug"
enum { PATH_BYTES = 1024 };

static const char *end_path(struct out *o, char *path)
{
    out_char(o, '\0');
    return o->dropped == 0 ? path : NULL;
}

static bool open_by_id(struct image *im, const struct build_id *id, const char **found)
{
    char path[PATH_BYTES], text[BUILD_ID_TEXT];
    struct out o;
    if (id->n < 2)
        return false;
    out_init_mem(&o, path, sizeof path);
    out_str(&o, DEBUG_ROOT "/.build-id/");
    size_t digits = build_id_text(id, text);
    out_bytes(&o, text, 2);
    out_char(&o, '/');
    out_bytes(&o, text + 2, digits - 2);
    out_str(&o, ".debug");
    if (end_path(&o, path) == NULL || !image_open(im, path))
        return false;
    struct build_id its = image_build_id(im);
    if (build_id_same(id, &its)) {
        *found = intern(path);
        return *found != NULL;
    }
    image_close(im);
    return false;
}

/* What a file must be to be taken. */
struct wanted {
    struct build_id id;
    bool has_crc;
    uint32_t crc;
};

static bool open_path(struct image *im, const char *path, const struct wanted *w)
{
    if (path == NULL || !image_open(im, path))
        return false;
    struct build_id its = image_build_id(im);
    if (w->id.n != 0 && its.n != 0 ? build_id_same(&w->id, &its)
                                   : w->has_crc && image_crc(im) == w->crc)
        return true;
    image_close(im);
    return false;
}

/* root + the folder of `beside` + sub + name; an absolute name has no folder. */
static bool open_beside(struct image *im, const char *root, const char *beside, const char *sub,
                        const char *name, const struct wanted *w, const char **found)
{
    char path[PATH_BYTES];
    struct out o;
    out_init_mem(&o, path, sizeof path);
    out_str(&o, root);
    if (name[0] != '/') {
        const char *slash = strrchr(beside, '/');
        if (slash == NULL)
            return false;
        out_bytes(&o, beside, (size_t)(slash + 1 - beside));
        out_str(&o, sub);
    }
    out_str(&o, name);
    if (!open_path(im, end_path(&o, path), w))
        return false;
    *found = intern(path);
    return *found != NULL;
}

static bool open_by_link(struct module *m)
{
    struct part link = image_section(&m->file, ".gnu_debuglink", &m->pool);
    struct bytes b = bytes_of(link);
    const char *name = bytes_text(&b);
    if (b.bad || name[0] == '\0')
        return false;
    struct wanted w = {.id = m->id, .has_crc = true};
    struct bytes crc = bytes_from(link, (strlen(name) + 4) & ~(size_t)3);
    w.crc = (uint32_t)bytes_uint(&crc, 4);
    const char **found = &m->debug_path;
    return !crc.bad && (open_beside(&m->debug, "", m->path, "", name, &w, found) ||
                        open_beside(&m->debug, "", m->path, ".debug/", name, &w, found) ||
                        open_beside(&m->debug, DEBUG_ROOT, m->path, "", name, &w, found));
}

bool debugfile_open(struct module *m)
{
    return open_by_id(&m->debug, &m->id, &m->debug_path) || open_by_link(m);
}

bool debugfile_open_alt(struct module *m, const struct image *from, const char *path)
{
    struct bytes b = bytes_of(image_section(from, ".gnu_debugaltlink", &m->pool));
    const char *name = bytes_text(&b);
    struct wanted w = {.id = {.n = 0}};
    if (b.bad || name[0] == '\0' || bytes_left(&b) == 0 || bytes_left(&b) > BUILD_ID_MAX)
        return false;
    w.id.n = (uint8_t)bytes_left(&b);
    memcpy(w.id.bytes, b.at, w.id.n);
    const char *found;
    return open_beside(&m->alt, "", path, "", name, &w, &found) ||
           open_by_id(&m->alt, &w.id, &found);
}
