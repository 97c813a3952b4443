/* buf.c: memory that profiles are made in, and where they go.
 *
 * Owns    bytes and tables that grow, numbers found by hash, and the hop to where libraries may be called.
 * Locks   none.
 * Instead of the collected heap: a profile of the heap should not be in it. And instead of malloc: a
 *         profile may be begun where malloc may not be called.
 */
#include "prof/prof_int.h"

#include "mem/mem.h"
#include "sched/sched.h"

#include <gort/go.h>
#include <gort/io.h>

#include <string.h>

enum { FIRST_BYTES = 1 << 14 };

/* ---- tables */
void *prof_table_room(void *table, size_t *cap, size_t n, size_t bytes)
{
    if (n <= *cap)
        return table;
    size_t more = *cap > 0 ? 2 * *cap : FIRST_BYTES / bytes + 1;
    if (more < n)
        more = n;
    void *p = mem_table_grow(table, *cap * bytes, more * bytes);
    if (p != NULL)
        *cap = more;
    return p;
}

void prof_table_free(void *table, size_t cap, size_t bytes)
{
    if (table != NULL)
        (void)mem_table_grow(table, cap * bytes, 0);
}

/* ---- bytes */
char *pbuf_room(struct pbuf *b, size_t n)
{
    char *mem = b->failed ? NULL : prof_table_room(b->mem, &b->cap, b->len + n, 1);
    if (mem == NULL) {
        b->failed = true;
        return NULL;
    }
    b->mem = mem;
    b->len += n;
    return mem + b->len - n;
}

void pbuf_bytes(struct pbuf *b, const void *bytes, size_t n)
{
    char *to = n > 0 ? pbuf_room(b, n) : NULL;
    if (to != NULL)
        memcpy(to, bytes, n);
}

void pbuf_str(struct pbuf *b, const char *s)
{
    pbuf_bytes(b, s, strlen(s));
}

void pbuf_char(struct pbuf *b, char c)
{
    pbuf_bytes(b, &c, 1);
}

static void number(struct pbuf *b, uint64_t v, unsigned base)
{
    char text[24];
    size_t at = sizeof text;
    do
        text[--at] = "0123456789abcdef"[v % base];
    while ((v /= base) != 0);
    pbuf_bytes(b, text + at, sizeof text - at);
}

void pbuf_uint(struct pbuf *b, uint64_t v)
{
    number(b, v, 10);
}

void pbuf_int(struct pbuf *b, int64_t v)
{
    if (v < 0)
        pbuf_char(b, '-');
    pbuf_uint(b, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void pbuf_hex(struct pbuf *b, uint64_t v)
{
    pbuf_str(b, "0x");
    number(b, v, 16);
}

void pbuf_free(struct pbuf *b)
{
    prof_table_free(b->mem, b->cap, 1);
    *b = (struct pbuf){.mem = NULL};
}

/* ---- numbers by hash: open addressing, at most half full */
uint64_t prof_hash(const void *bytes, size_t n, uint64_t seed)
{
    const unsigned char *p = bytes;
    uint64_t h = seed ^ n, word;
    for (; n >= sizeof word; n -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        h ^= h >> 29;
    }
    word = 0;
    memcpy(&word, p, n);
    h = (h ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
    return h ^ h >> 32;
}

uint32_t index_find(const struct index *x, uint64_t hash, index_is is, const void *key, void *arg)
{
    for (size_t at = hash; x->cap > 0; at++) {
        const struct index_slot *s = &x->slot[at & (x->cap - 1)];
        if (s->number == 0)
            break;
        if (s->hash == (uint32_t)hash && is(s->number - 1, key, arg))
            return s->number - 1;
    }
    return UINT32_MAX;
}

static void enter(struct index_slot *slot, size_t cap, struct index_slot s)
{
    size_t at = s.hash;
    while (slot[at & (cap - 1)].number != 0)
        at++;
    slot[at & (cap - 1)] = s;
}

static bool index_double(struct index *x)
{
    size_t cap = x->cap > 0 ? 2 * x->cap : 1024;
    struct index_slot *slot = mem_table_grow(NULL, 0, cap * sizeof *slot);
    if (slot == NULL)
        return false;
    for (size_t i = 0; i < x->cap; i++)
        if (x->slot[i].number != 0)
            enter(slot, cap, x->slot[i]);
    prof_table_free(x->slot, x->cap, sizeof *slot);
    x->slot = slot;
    x->cap = cap;
    return true;
}

bool index_add(struct index *x, uint64_t hash)
{
    if (2 * (x->n + 1) > x->cap && !index_double(x))
        return false;
    x->n++;
    enter(x->slot, x->cap, (struct index_slot){(uint32_t)x->n, (uint32_t)hash});
    return true;
}

void index_free(struct index *x)
{
    prof_table_free(x->slot, x->cap, sizeof *x->slot);
    *x = (struct index){.slot = NULL};
}

/* ---- order */
/* Merges the sorted runs [a, mid) and [mid, end) of `from` into `to`. */
static void merge(char *to, const char *a, const char *mid, const char *end, size_t bytes,
                  int (*compare)(const void *, const void *))
{
    const char *b = mid;
    for (; a < mid || b < end; to += bytes) {
        const char **next = b == end || (a < mid && compare(a, b) <= 0) ? &a : &b;
        memcpy(to, *next, bytes);
        *next += bytes;
    }
}

bool prof_sort(void *array, size_t n, size_t bytes, int (*compare)(const void *, const void *))
{
    size_t cap = 0;
    char *spare = prof_table_room(NULL, &cap, n, bytes), *from = array, *to = spare;
    if (spare == NULL)
        return n == 0;
    for (size_t run = 1; run < n; run *= 2) {
        for (size_t i = 0; i < n; i += 2 * run) {
            size_t mid = i + run < n ? i + run : n, end = i + 2 * run < n ? i + 2 * run : n;
            merge(to + i * bytes, from + i * bytes, from + mid * bytes, from + end * bytes, bytes,
                  compare);
        }
        char *was = from;
        from = to;
        to = was;
    }
    if (from != array)
        memcpy(array, from, n * bytes);
    prof_table_free(spare, cap, bytes);
    return true;
}

/* ---- outside */
void prof_foreign(void (*fn)(void *arg), void *arg)
{
    gort_cgocall(fn, arg);
}

PARKS int prof_write_all(int fd, const struct pbuf *b)
{
    if (b->failed)
        return -ENOMEM;
    for (size_t at = 0; at < b->len;) {
        ssize_t n = gort_write(fd, b->mem + at, b->len - at);
        if (n < 0)
            return -errno;
        at += (size_t)n;
    }
    return 0;
}
