/* gzip.c: the format in which profiles are stored.
 *
 * Owns    zlib, which is tried once, at the first need, and stays loaded; and what to do without it: stored
 *         blocks, which every reader takes, too.
 * Locks   the loader's and malloc's: only in prof_foreign.
 * Instead of linking with it: that costs mappings and time at each start, and a program would not start
 *         where it is not installed.
 */
#include "prof/prof_int.h"

#include "os/fault.h"
#include "os/os.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>

/* ---- without compression */
static uint32_t crc_of(const unsigned char *p, size_t n)
{
    uint32_t table[256], crc = ~0u;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++)
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
    }
    for (size_t i = 0; i < n; i++)
        crc = crc >> 8 ^ table[(crc ^ p[i]) & 0xff];
    return ~crc;
}

static void little_endian(struct pbuf *out, uint32_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        pbuf_char(out, (char)(v >> 8 * i & 0xff));
}

void prof_gzip_stored(const struct pbuf *in, struct pbuf *out)
{
    enum { BLOCK_MAX = 65535 };
    size_t at = 0;
    pbuf_bytes(out, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10);
    do {
        size_t n = in->len - at < BLOCK_MAX ? in->len - at : BLOCK_MAX;
        pbuf_char(out, at + n == in->len); /* the last? */
        little_endian(out, (uint32_t)n, 2);
        little_endian(out, ~(uint32_t)n, 2);
        pbuf_bytes(out, in->mem + at, n);
        at += n;
    } while (at < in->len);
    little_endian(out, crc_of((const unsigned char *)in->mem, in->len), 4);
    little_endian(out, (uint32_t)in->len, 4);
}

/* ---- by zlib */
#if __has_include(<zlib.h>)
#include <zlib.h>

static struct {
    int (*init)(z_stream *, int, int, int, int, int, const char *, int);
    int (*deflate)(z_stream *, int);
    int (*end)(z_stream *);
} zlib;

enum { ZLIB_NEW, ZLIB_LOADING, ZLIB_THERE, ZLIB_MISSING };

static int has_interpreter(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_INTERP)
            *(bool *)arg = true;
    return 1; /* the first is the program itself */
}

/* In a statically linked program dlopen would bring a second C library, with a malloc and with
 * thread-locals of its own. */
static bool have_loader(void)
{
    bool yes = false;
    dl_iterate_phdr(has_interpreter, &yes);
    return yes;
}

static bool zlib_open(void)
{
    static const struct {
        const char *name;
        void *to;
    } imports[] = {
        {"deflateInit2_", &zlib.init}, {"deflate", &zlib.deflate}, {"deflateEnd", &zlib.end}};
    void *handle =
        FAULT(library) || !have_loader() ? NULL : dlopen("libz.so.1", RTLD_NOW | RTLD_LOCAL);
    if (handle == NULL)
        return false;
    for (size_t i = 0; i < ARRAY_LEN(imports); i++) {
        void *sym = dlsym(handle, imports[i].name);
        if (sym == NULL)
            return false;
        memcpy(imports[i].to, &sym, sizeof sym);
    }
    return true;
}

static bool zlib_load(void)
{
    static au32 state;
    uint32_t s = load_acq(&state); /* pairs with store_rel below */
    if (s == ZLIB_NEW && cas_acq(&state, (uint32_t)ZLIB_NEW, (uint32_t)ZLIB_LOADING)) {
        int keep = errno;
        s = zlib_open() ? ZLIB_THERE : ZLIB_MISSING;
        errno = keep;
        store_rel(&state, s);
    }
    while (s == ZLIB_LOADING) { /* a second thread: loading takes milliseconds, once */
        os_thread_yield();
        s = load_acq(&state);
    }
    return s == ZLIB_THERE;
}

/* As much as one call may take or give: its counters have 32 bits. */
static void offer(z_stream *z, const struct pbuf *in, size_t done)
{
    enum { MOST = 1 << 30 };
    z->next_in = (Bytef *)in->mem + done;
    z->avail_in = (uInt)(in->len - done < MOST ? in->len - done : MOST);
}

static bool deflate_all(z_stream *z, const struct pbuf *in, struct pbuf *out)
{
    enum { PIECE = 1 << 16 };
    size_t done = 0;
    for (int r = Z_OK; r != Z_STREAM_END;) {
        char *room = pbuf_room(out, PIECE);
        if (room == NULL)
            return false;
        offer(z, in, done);
        size_t offered = z->avail_in;
        z->next_out = (Bytef *)room;
        z->avail_out = PIECE;
        r = zlib.deflate(z, done + offered == in->len ? Z_FINISH : Z_NO_FLUSH);
        out->len -= z->avail_out;
        done += offered - z->avail_in;
        if (r != Z_OK && r != Z_STREAM_END)
            return false;
    }
    return true;
}

static bool gzip_by_zlib(const struct pbuf *in, struct pbuf *out)
{
    enum { GZIP_WINDOW = 15 + 16, MEMORY = 8 };
    z_stream z;
    memset(&z, 0, sizeof z);
    if (!zlib_load() || zlib.init(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MEMORY,
                                  Z_DEFAULT_STRATEGY, ZLIB_VERSION, (int)sizeof z) != Z_OK)
        return false;
    bool ok = deflate_all(&z, in, out);
    zlib.end(&z);
    return ok;
}
#else
static bool gzip_by_zlib(const struct pbuf *in, struct pbuf *out)
{
    (void)in, (void)out;
    return false;
}
#endif

void prof_gzip(const struct pbuf *in, struct pbuf *out)
{
    if (in->failed || gzip_by_zlib(in, out)) {
        out->failed |= in->failed;
        return;
    }
    out->len = 0;
    prof_gzip_stored(in, out);
}
