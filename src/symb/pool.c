/* pool.c: memory for tables of names.
 *
 * Owns    chunks of pools, arrays that grow, and sorting them.
 * Locks   none: callers hold rank symb.
 * Instead of malloc: names are wanted while malloc is what failed; and qsort may call it.
 */
#include "symb/pool.h"

#include "mem/mem.h"
#include "os/os.h"

#include <string.h>

enum { CHUNK_BYTES = 64 * 1024, VEC_FIRST_BYTES = 16 * 1024 };

struct pool_chunk {
    struct pool_chunk *older;
    size_t bytes;
};

static bool pool_grow(struct pool *p, size_t least)
{
    size_t page = os_page_bytes(), bytes = sizeof(struct pool_chunk) + least;
    if (bytes < least)
        return false;
    bytes = bytes < CHUNK_BYTES ? CHUNK_BYTES : (bytes + page - 1) & ~(page - 1);
    struct pool_chunk *c = os_map(bytes);
    if (c == NULL)
        return false;
    memstat_add(SYS_OTHER, (int64_t)bytes);
    c->bytes = bytes;
    c->older = p->chunks;
    p->chunks = c;
    p->next = (char *)(c + 1);
    p->end = (char *)c + bytes;
    return true;
}

void *pool_take(struct pool *p, size_t bytes)
{
    if (bytes > (size_t)1 << 40)
        return NULL;
    bytes = (bytes + 7) & ~(size_t)7;
    if ((size_t)(p->end - p->next) < bytes && !pool_grow(p, bytes))
        return NULL;
    void *at = p->next;
    p->next += bytes;
    return at;
}

void pool_drop(struct pool *p)
{
    for (struct pool_chunk *c = p->chunks, *older; c != NULL; c = older) {
        older = c->older;
        memstat_add(SYS_OTHER, -(int64_t)c->bytes);
        os_unmap(c, c->bytes);
    }
    *p = (struct pool){.next = NULL};
}

/* Memory of arrays that are done with: a unit needs five, and asking the kernel takes longer than
 * filling them. */
enum { SPARES = 6, SPARE_BYTES_MAX = 1024 * 1024 };
static struct {
    void *at;
    size_t bytes;
} spare[SPARES];

static bool take_spare(struct vec *v)
{
    for (int i = 0; i < SPARES; i++) {
        if (spare[i].at == NULL || spare[i].bytes < v->each)
            continue;
        v->at = spare[i].at;
        v->cap = spare[i].bytes / v->each;
        v->bytes = spare[i].bytes;
        spare[i].at = NULL;
        return true;
    }
    return false;
}

static bool keep_spare(const struct vec *v)
{
    for (int i = 0; i < SPARES && v->bytes <= SPARE_BYTES_MAX; i++) {
        if (spare[i].at != NULL)
            continue;
        spare[i].at = v->at;
        spare[i].bytes = v->bytes;
        return true;
    }
    return false;
}

bool vec_grow(struct vec *v)
{
    if (v->cap == 0 && take_spare(v))
        return true;
    size_t bytes = v->cap == 0 ? VEC_FIRST_BYTES : 2 * v->bytes;
    void *at = mem_table_grow(v->at, v->bytes, bytes);
    if (at == NULL) {
        v->failed = true;
        return false;
    }
    v->at = at;
    v->bytes = bytes;
    v->cap = bytes / v->each;
    return true;
}

/* Elements are small: for them a call of memset or memcpy is most of the work. */
enum { WORD = sizeof(uint64_t) };

static void zero(char *to, size_t bytes)
{
    for (; bytes >= WORD; to += WORD, bytes -= WORD)
        memset(to, 0, WORD);
    for (; bytes > 0; bytes--)
        *to++ = 0;
}

static void copy(char *to, const char *from, size_t bytes)
{
    for (; bytes >= WORD; to += WORD, from += WORD, bytes -= WORD)
        memcpy(to, from, WORD);
    for (; bytes > 0; bytes--)
        *to++ = *from++;
}

void *vec_add(struct vec *v)
{
    if (v->n == v->cap && !vec_grow(v))
        return NULL;
    char *at = (char *)v->at + v->each * v->n++;
    zero(at, v->each);
    return at;
}

void vec_drop(struct vec *v)
{
    if (v->cap > 0 && !keep_spare(v))
        mem_table_grow(v->at, v->bytes, 0);
    *v = (struct vec){.each = v->each};
}

void *vec_keep(struct vec *v, struct pool *p)
{
    void *at = v->n > 0 && !v->failed ? pool_take(p, v->n * v->each) : NULL;
    if (at != NULL)
        memcpy(at, v->at, v->n * v->each);
    vec_drop(v);
    return at;
}

/* ---- sorting
 *
 * What is sorted are references, which hold what mostly decides; elements are looked at when that is equal. */
typedef bool (*less_fn)(const void *a, const void *b);

struct ref {
    uint64_t key; /* what the element begins with */
    size_t i;
};
struct sorting {
    const char *at;
    size_t n, each;
    less_fn less;
};

static bool is_sorted(const struct sorting *s)
{
    for (size_t i = 1; i < s->n; i++)
        if (s->less(s->at + i * s->each, s->at + (i - 1) * s->each))
            return false;
    return true;
}

static inline bool goes_before(const struct sorting *s, struct ref a, struct ref b)
{
    if (likely(a.key != b.key))
        return a.key < b.key;
    return s->less(s->at + a.i * s->each, s->at + b.i * s->each);
}

/* By insertion: for a few, and where most are in order. */
static void sort_few(const struct sorting *s, struct ref *r, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        struct ref x = r[i];
        size_t to = i;
        for (; to > 0 && goes_before(s, x, r[to - 1]); to--)
            r[to] = r[to - 1];
        r[to] = x;
    }
}

/* Merges from[lo, mid) and from[mid, hi) into `to`. */
static void merge(const struct sorting *s, struct ref *to, const struct ref *from, size_t lo,
                  size_t mid, size_t hi)
{
    size_t a = lo, b = mid;
    if (mid == hi || !goes_before(s, from[mid], from[mid - 1])) { /* in order as they are */
        memcpy(to + lo, from + lo, (hi - lo) * sizeof *to);
        return;
    }
    for (size_t i = lo; i < hi; i++) {
        bool second = a == mid || (b < hi && goes_before(s, from[b], from[a]));
        to[i] = from[second ? b++ : a++];
    }
}

/* The references in order, in one of two arrays of them. */
static const struct ref *sort_refs(const struct sorting *s, struct ref *here, struct ref *there)
{
    enum { FEW = 8 };
    for (size_t i = 0; i < s->n; i++) {
        memcpy(&here[i].key, s->at + i * s->each, sizeof here[i].key);
        here[i].i = i;
    }
    for (size_t lo = 0; lo < s->n; lo += FEW)
        sort_few(s, here + lo, s->n - lo < FEW ? s->n - lo : FEW);
    for (size_t width = FEW; width < s->n; width *= 2) {
        for (size_t lo = 0; lo < s->n; lo += 2 * width) {
            size_t mid = s->n - lo < width ? s->n : lo + width;
            size_t hi = s->n - lo < 2 * width ? s->n : lo + 2 * width;
            merge(s, there, here, lo, mid, hi);
        }
        struct ref *swap = here;
        here = there;
        there = swap;
    }
    return here;
}

/* Room for as many bytes, of spare memory if there is some. */
static bool scratch_take(struct vec *v, size_t bytes)
{
    *v = (struct vec){.each = 1};
    if (take_spare(v) && v->bytes >= bytes)
        return true;
    if (bytes < VEC_FIRST_BYTES)
        bytes = VEC_FIRST_BYTES; /* it will be somebody's spare */
    void *at = mem_table_grow(v->at, v->bytes, bytes);
    if (at == NULL) {
        vec_drop(v);
        return false;
    }
    v->at = at;
    v->bytes = v->cap = bytes;
    return true;
}

bool pool_sort(void *at, size_t n, size_t each, less_fn less)
{
    const struct sorting s = {.at = at, .n = n, .each = each, .less = less};
    struct vec scratch;
    if (is_sorted(&s))
        return true;
    if (!scratch_take(&scratch, n * (each + 2 * sizeof(struct ref))))
        return false;
    struct ref *refs = scratch.at;
    const struct ref *sorted = sort_refs(&s, refs, refs + n);
    char *old = (char *)(refs + 2 * n);
    memcpy(old, at, n * each);
    for (size_t i = 0; i < n; i++)
        copy((char *)at + i * each, old + sorted[i].i * each, each);
    vec_drop(&scratch);
    return true;
}
