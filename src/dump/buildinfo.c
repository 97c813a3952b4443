/* buildinfo.c: what the program was built from.
 *
 * Owns    gort_debug_read_build_info and its text.
 * Locks   the loader's, while it is asked; nothing of the runtime is called under it.
 * Instead of a record that the linker leaves in the executable, as Go's does: a C program has no linker that knows
 *         its modules. The loader knows which files it is made of now, and their build ids name them for certain.
 */
#include "base/fmt.h"
#include "os/call.h"
#include "os/loaded.h"
#include "symb/build_id.h"

#include <gort/debug.h>
#include <gort/go.h>
#include <gort/mem.h>

#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum { MODULES_MAX = 1024, NAMES_BYTES = 128 * 1024, SETTINGS = 7 };

/* ---- how the library was built */
#if defined(GORT_FAULTS)
#define KIND "faults"
#elif defined(GORT_HOSTILE)
#define KIND "hostile"
#elif defined(GORT_PARANOID)
#define KIND "paranoid"
#elif defined(__SANITIZE_THREAD__)
#define KIND "tsan"
#elif defined(__SANITIZE_ADDRESS__)
#define KIND "asan"
#elif defined(GORT_DEBUG)
#define KIND "debug"
#else
#define KIND "release"
#endif

#if defined(__clang__)
#define COMPILER "clang " __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

/* ---- the modules. All is copied while the loader holds its lock: a module may be unloaded at any time. */
struct module {
    const char *name; /* "": the executable */
    uintptr_t base;
    struct build_id id;
    bool has_us; /* this function lies in it */
};
struct modules {
    struct module *m; /* MODULES_MAX */
    size_t n;
    char *names; /* room for them: */
    size_t left;
};

static const char *keep_name(struct modules *all, const char *name)
{
    size_t n = name == NULL ? 0 : strlen(name) + 1;
    if (n == 0 || n > all->left)
        return "";
    char *copy = memcpy(all->names, name, n);
    all->names += n;
    all->left -= n;
    return copy;
}

static int take_module(struct dl_phdr_info *info, size_t bytes, void *modules)
{
    struct modules *all = modules;
    (void)bytes;
    if (all->n == MODULES_MAX)
        return 1;
    struct module *m = &all->m[all->n++];
    *m = (struct module){.name = keep_name(all, info->dlpi_name),
                         .base = info->dlpi_addr,
                         .id = build_id_loaded(info),
                         .has_us = loaded_holds(info, (uintptr_t)take_module, 1, 0)};
    return 0;
}

/* ---- texts */
static const char *copied(const char *text, size_t n)
{
    char *copy = gort_alloc_noscan(n + 1);
    memcpy(copy, text, n);
    return copy;
}

static const char *executable(void)
{
    char path[PATH_MAX];
    int64_t n = os_call4(SYS_readlinkat, AT_FDCWD, "/proc/self/exe", path, sizeof path);
    return n > 0 ? copied(path, (size_t)n) : "";
}

static const char *version_of(const char *path)
{
    const char *so = NULL, *slash = strrchr(path, '/');
    for (const char *at = slash != NULL ? slash : path; (at = strstr(at, ".so.")) != NULL; at++)
        so = at;
    return so != NULL ? so + 4 : "";
}

static const char *sum_of(const struct module *m)
{
    static const char prefix[] = "build-id:";
    char text[sizeof prefix + BUILD_ID_TEXT];
    if (m->id.n == 0)
        return "";
    memcpy(text, prefix, sizeof prefix);
    size_t n = sizeof prefix - 1;
    return copied(text, n + build_id_text(&m->id, text + n));
}

static gort_debug_module described(const struct module *m, const char *path)
{
    return (gort_debug_module){path, version_of(path), sum_of(m)};
}

static void fill_settings(gort_debug_build_info *b, const struct module *exe)
{
    gort_debug_build_setting *s = gort_alloc(SETTINGS * sizeof *s);
    bool moved = exe->base != 0;
    size_t n = 0;
    s[n++] = (gort_debug_build_setting){"-buildmode", moved ? "pie" : "exe"};
    s[n++] = (gort_debug_build_setting){"-compiler", GORT_COMPILER};
    s[n++] = (gort_debug_build_setting){"CC", COMPILER};
    s[n++] = (gort_debug_build_setting){"GOARCH", GORT_GOARCH};
    s[n++] = (gort_debug_build_setting){"GOOS", GORT_GOOS};
    s[n++] = (gort_debug_build_setting){"kind", KIND};
    s[n++] = (gort_debug_build_setting){"libgort", exe->has_us ? "static" : "shared"};
    b->settings = s;
    b->nsettings = n;
}

const gort_debug_build_info *gort_debug_read_build_info(void)
{
    gort_debug_build_info *b = gort_alloc(sizeof *b);
    struct modules all = {.m = gort_alloc(MODULES_MAX * sizeof *all.m),
                          .names = gort_alloc_noscan(NAMES_BYTES),
                          .left = NAMES_BYTES};
    dl_iterate_phdr(take_module, &all);
    gort_debug_module *deps = gort_alloc((all.n + 1) * sizeof *deps);
    b->gort_version = gort_version();
    b->path = executable();
    for (size_t i = 0; i < all.n; i++) {
        const struct module *m = &all.m[i];
        if (i == 0)
            b->main = described(m, b->path);
        else if (m->name[0] != '\0')
            deps[b->ndeps++] = described(m, copied(m->name, strlen(m->name)));
    }
    b->deps = deps;
    fill_settings(b, &all.m[0]);
    return b;
}

/* ---- as lines */
/* Go quotes a value with blanks or quotes in it; nothing else occurs in ours. */
static void out_value(struct out *o, const char *v)
{
    bool quoted = strpbrk(v, " \t\r\n\"`") != NULL;
    if (!quoted) {
        out_str(o, v);
        return;
    }
    out_char(o, '"');
    for (; *v != '\0'; v++) {
        if (*v == '"' || *v == '\\')
            out_char(o, '\\');
        out_char(o, *v);
    }
    out_char(o, '"');
}

static void out_module(struct out *o, const char *word, const gort_debug_module *m)
{
    out_str(o, word);
    out_str(o, m->path);
    out_char(o, '\t');
    out_str(o, m->version);
    out_char(o, '\t');
    out_str(o, m->sum);
    out_char(o, '\n');
}

static void out_info(struct out *o, const gort_debug_build_info *b)
{
    out_str(o, "go\t");
    out_str(o, b->gort_version);
    out_str(o, "\npath\t");
    out_str(o, b->path);
    out_char(o, '\n');
    out_module(o, "mod\t", &b->main);
    for (size_t i = 0; i < b->ndeps; i++)
        out_module(o, "dep\t", &b->deps[i]);
    for (size_t i = 0; i < b->nsettings; i++) {
        out_str(o, "build\t");
        out_str(o, b->settings[i].key);
        out_char(o, '=');
        out_value(o, b->settings[i].value);
        out_char(o, '\n');
    }
}

const char *gort_debug_build_info_string(const gort_debug_build_info *info)
{
    struct out o;
    out_init_mem(&o, NULL, 0);
    out_info(&o, info);
    size_t n = o.dropped;
    char *text = gort_alloc_noscan(n + 1);
    out_init_mem(&o, text, n);
    out_info(&o, info);
    return text;
}
