/* labels.c: words that a goroutine's samples carry.
 *
 * Owns    sets of labels, and which set a goroutine has: g->labels, which g_new copies to those it starts.
 * Holds   1. A set never changes. Its keys are sorted by strcmp, each is there once.
 *         2. A set is one block that holds no pointer, so that a copy of its bytes is a set too: a profile
 *            keeps copies outside the collected heap.
 *         3. g->labels keeps its set alive: the collector looks at struct g as at a part of the stack.
 * Locks   none. The goroutine alone writes its g->labels, by one store: a signal handler on its thread, or
 *         whoever has stopped it, finds a whole set.
 */
#include "prof/prof_int.h"

#include "panic/panic.h"
#include "sched/sched.h"

#include <gort/mem.h>

#include <stdarg.h>
#include <string.h>

struct gort_pprof_labels {
    uint32_t n, bytes; /* of the whole block */
    uint32_t at[]; /* [2 * n]: where each key and each value begins, from the block's beginning */
};

struct pair {
    const char *key, *value;
};

static const char *text_at(const gort_pprof_labels *l, uint32_t i)
{
    return (const char *)l + l->at[i];
}

/* Where `key` is, or is to be, among n sorted pairs. */
static size_t place_of(const struct pair *p, size_t n, const char *key)
{
    size_t i = 0;
    while (i < n && strcmp(p[i].key, key) < 0)
        i++;
    return i;
}

static size_t put(struct pair *p, size_t n, const char *key, const char *value)
{
    size_t i = place_of(p, n, key);
    if (i == n || strcmp(p[i].key, key) != 0) {
        memmove(&p[i + 1], &p[i], (n - i) * sizeof *p);
        n++;
    }
    p[i] = (struct pair){key, value};
    return n;
}

static gort_pprof_labels *make(const struct pair *p, size_t n)
{
    size_t head = sizeof(gort_pprof_labels) + 2 * n * sizeof(uint32_t), bytes = head;
    for (size_t i = 0; i < n; i++)
        bytes += strlen(p[i].key) + strlen(p[i].value) + 2;
    if (bytes > UINT32_MAX)
        fatal("gort_pprof_with_labels: more than 4 GiB of labels");
    gort_pprof_labels *l = gort_alloc_noscan(bytes);
    char *to = (char *)l + head;
    l->n = (uint32_t)n;
    l->bytes = (uint32_t)bytes;
    for (size_t i = 0; i < 2 * n; i++) {
        const char *from = i % 2 == 0 ? p[i / 2].key : p[i / 2].value;
        l->at[i] = (uint32_t)(to - (char *)l);
        to = stpcpy(to, from) + 1;
    }
    return l;
}

/* The number of words before the NULL that ends them. */
static size_t count(va_list ap)
{
    size_t n = 0;
    while (va_arg(ap, const char *) != NULL)
        n++;
    return n;
}

const gort_pprof_labels *gort_pprof_with_labels(const gort_pprof_labels *base, ...)
{
    va_list ap;
    va_start(ap, base);
    size_t words = count(ap), n = base != NULL ? base->n : 0;
    va_end(ap);
    if (words % 2 != 0)
        panic_string("uneven number of arguments to pprof.Labels");
    struct pair *p = gort_alloc((n + words / 2) * sizeof *p);
    for (uint32_t i = 0; i < n; i++)
        p[i] = (struct pair){text_at(base, 2 * i), text_at(base, 2 * i + 1)};
    va_start(ap, base);
    for (; words > 0; words -= 2) {
        const char *key = va_arg(ap, const char *);
        n = put(p, n, key, va_arg(ap, const char *));
    }
    va_end(ap);
    return make(p, n);
}

const char *gort_pprof_label(const gort_pprof_labels *l, const char *key)
{
    for (uint32_t i = 0; l != NULL && i < l->n; i++)
        if (strcmp(text_at(l, 2 * i), key) == 0)
            return text_at(l, 2 * i + 1);
    return NULL;
}

void gort_pprof_for_labels(const gort_pprof_labels *l,
                           bool (*fn)(const char *key, const char *value, void *arg), void *arg)
{
    for (uint32_t i = 0; l != NULL && i < l->n; i++)
        if (!fn(text_at(l, 2 * i), text_at(l, 2 * i + 1), arg))
            return;
}

size_t prof_labels_bytes(const gort_pprof_labels *l)
{
    return l->bytes;
}

bool prof_labels_same(const gort_pprof_labels *a, const gort_pprof_labels *b)
{
    if (a == b || a == NULL || b == NULL || a->n == 0)
        return a == b || ((a == NULL || a->n == 0) && (b == NULL || b->n == 0));
    return a->bytes == b->bytes && memcmp(a, b, a->bytes) == 0;
}

/* ---- a goroutine's */
const gort_pprof_labels *prof_labels_of(const struct g *g)
{
    return load_rlx(&g->labels);
}

void gort_pprof_set_goroutine_labels(const gort_pprof_labels *l)
{
    struct m *m = m_enter();
    store_rel(&m_curg(m)->labels, (void *)(uintptr_t)l); /* pairs with whoever stops the world */
    m_leave(m);
}

const gort_pprof_labels *gort_pprof_goroutine_labels(void)
{
    struct m *m = m_enter();
    const gort_pprof_labels *l = prof_labels_of(m_curg(m));
    m_leave(m);
    return l;
}

static void set_again(void *labels)
{
    gort_pprof_set_goroutine_labels(labels);
}

void gort_pprof_do(const gort_pprof_labels *l, void (*fn)(void *arg), void *arg)
{
    const gort_pprof_labels *old = gort_pprof_goroutine_labels();
    GORT_SCOPE
    {
        gort_defer(set_again, (void *)(uintptr_t)old);
        gort_pprof_set_goroutine_labels(l);
        fn(arg);
    }
}
