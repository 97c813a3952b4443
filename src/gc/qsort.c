/* qsort.c: libc's qsort, for arrays that hold the only pointers to objects.
 *
 * Owns    the names qsort and qsort_r. The C library sorts a large array through memory of malloc's: while it
 *         copies elements back, some are only there, where the collector does not look, and a collection
 *         at that moment would free what they point to. Here they are in the collected heap, or, if there are few, on
 *         the stack.
 * Holds   1. Each element is in the array or in `spare` at any time, where it is aligned as in the array.
 * Locks   none. May be called by any thread; one that the runtime does not know gets memory of malloc's.
 *
 * The sort is stable, as the C library's is as long as it has memory.
 */
#include "gc/gc_int.h"

#include <gort/mem.h>

#include "symb/symb.h"

#include <stdlib.h>
#include <string.h>

enum { SPARE_ON_STACK = 1024 };

struct sorting {
    size_t bytes; /* of an element */
    int (*compare)(const void *, const void *, void *);
    void *arg;
};

/* Merges [a, mid) and [mid, end) into spare, and copies them back. What the second half has left is in
 * its place. */
static void merge(const struct sorting *s, char *a, char *mid, const char *end, char *spare)
{
    char *low = a, *high = mid, *to = spare;
    while (low < mid && high < end) {
        char **from = s->compare(low, high, s->arg) <= 0 ? &low : &high;
        memcpy(to, *from, s->bytes);
        *from += s->bytes;
        to += s->bytes;
    }
    memcpy(to, low, (size_t)(mid - low));
    to += mid - low;
    memcpy(a, spare, (size_t)(to - spare));
}

static void sort(const struct sorting *s, char *a, size_t n, char *spare)
{
    if (n < 2)
        return;
    char *mid = a + n / 2 * s->bytes, *end = a + n * s->bytes;
    sort(s, a, n / 2, spare);
    sort(s, mid, n - n / 2, spare);
    if (s->compare(mid - s->bytes, mid, s->arg) > 0)
        merge(s, a, mid, end, spare);
}

/* A thread of somebody else's, without memory: by insertion, an element exchanged byte by byte. */
static void exchange(char *a, char *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        char x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}

static void sort_in_place(const struct sorting *s, char *a, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        char *at = a + i * s->bytes;
        for (; at > a && s->compare(at - s->bytes, at, s->arg) > 0; at -= s->bytes)
            exchange(at - s->bytes, at, s->bytes);
    }
}

/* Not inside the runtime, where one of our locks may be held, nor while dying. */
static bool may_allocate(void)
{
    const struct m *m = self();
    return (load_rlx(&m->attention) & ATT_NOBODY) == 0 && load_rlx(&m->locks) == 0 && m->dying == 0;
}

static void sort_with(const struct sorting *s, void *array, size_t n)
{
    uintptr_t words[SPARE_ON_STACK / sizeof(uintptr_t)];
    size_t bytes;
    if (n < 2 || s->bytes == 0 || __builtin_mul_overflow(n, s->bytes, &bytes))
        return;
    if (bytes <= sizeof words) {
        sort(s, array, n, (char *)words);
        return;
    }
    bool ours = may_allocate();
    char *spare = ours ? gort_alloc(bytes) : malloc(bytes);
    if (spare != NULL)
        sort(s, array, n, spare);
    else
        sort_in_place(s, array, n);
    if (!ours)
        free(spare);
    __asm__ volatile("" ::"r"(spare)); /* the elements may be there until the end */
}

/* Weak: a statically linked program may have libc's, for libc's own use, as well. */
__attribute__((weak)) GORT_API void qsort_r(void *array, size_t n, size_t bytes,
                                            int (*compare)(const void *, const void *, void *),
                                            void *arg)
{
    struct sorting s = {bytes, compare, arg};
    sort_with(&s, array, n);
}

struct plain {
    int (*compare)(const void *, const void *);
};

static int compare_plain(const void *a, const void *b, void *arg)
{
    const struct plain *p = arg;
    return p->compare(a, b);
}

__attribute__((weak)) GORT_API void qsort(void *array, size_t n, size_t bytes,
                                          int (*compare)(const void *, const void *))
{
    struct plain p = {compare};
    struct sorting s = {bytes, compare_plain, &p};
    sort_with(&s, array, n);
}
