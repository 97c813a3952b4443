/* mark_test.c: what is reachable from a word, of each kind and size. */
#include "gc/scan.h"

#include "base/check.h"
#include "conf/cpu.h"
#include "support.h"

#include <criterion/criterion.h>
#include <gort.h>
#include <stdlib.h>
#include <string.h>

typedef struct knot {
    struct knot *left;
    uintptr_t number; /* not a pointer, whatever it looks like */
    struct knot *right;
} knot;
GORT_TYPE(knot, left, right)

typedef struct {
    char text[1000];
    void *first;
    uintptr_t number;
    void *last;
} wide;
GORT_TYPE(wide, first, last)

typedef struct {
    void *to;
} pointer;
GORT_TYPE(pointer, to)

static int in_quiet_gort(void (*fn)(void))
{
    setenv("GOGC", "off", 1);
    return in_gort(fn);
}

static struct object find(const void *p)
{
    struct object o = {0};
    cr_expect(arena_find_object((uintptr_t)p, &o), "%p", p);
    return o;
}

static bool marked(const void *p)
{
    struct object o = find(p);
    return gc_is_marked(&o);
}

/* Fresh marks, and no allocation from here on. */
static struct marker *begin(void)
{
    m_enter();
    mem_cache_flush_all();
    mem_mark_start();
    mark_reset();
    return marker_take();
}

static void finish(struct marker *mk)
{
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    cr_expect(mark_quiet());
    gc_verify();
    mem_mark_end();
    while (mem_sweep(100) > 0) {
    }
    m_leave(self());
}

static knot *tree(int depth)
{
    knot *n = gort_new(knot);
    if (depth > 0) {
        n->left = tree(depth - 1);
        n->right = tree(depth - 1);
    }
    return n;
}

static unsigned count_marked(const knot *n)
{
    return n == NULL ? 0 : marked(n) + count_marked(n->left) + count_marked(n->right);
}

static void trees(void)
{
    enum { DEPTH = 12, NODES = (1 << (DEPTH + 1)) - 1 };
    knot *live = tree(DEPTH), *dead = tree(DEPTH);
    live->number = (uintptr_t)dead;
    struct marker *mk = begin();
    mark_word(mk, (uintptr_t)&live->number);
    mark_drain(mk, SIZE_MAX);
    cr_expect_eq(mk->counts.marked_objects, NODES);
    cr_expect_eq(count_marked(live), NODES);
    cr_expect_eq(count_marked(dead), 0u);
    cr_expect_eq(mk->counts.heap_bytes, NODES * sizeof(knot));
    finish(mk);
}
Test(mark, follows_the_pointers_of_typed_objects_and_no_numbers)
{
    cr_expect_eq(in_quiet_gort(trees), 0);
}

/* A chain through objects of every class and of all kinds. */
static void sizes(void)
{
    enum { N = 2 * CLASSES };
    static void **obj[N];
    static void *leaf[N], *dead[N];
    size_t n = 0;
    for (unsigned c = 1; c < CLASSES; c++, n++)
        obj[n] = gort_alloc(class_bytes[c]);
    for (size_t bytes = 33000; n < N; n++, bytes += bytes / 20)
        obj[n] = gort_alloc(bytes);
    for (size_t i = 0; i < n; i++) {
        dead[i] = gort_alloc(find(obj[i]).bytes);
        leaf[i] = gort_alloc_noscan(find(obj[i]).bytes);
        size_t last = find(obj[i]).bytes / 8 - 1;
        obj[i][0] = leaf[i];
        obj[i][last] = i + 1 < n ? (void *)obj[i + 1] : NULL;
    }
    void **one = gort_alloc(8); /* class 1 has a word only: chained by itself */
    *one = obj[1];
    struct marker *mk = begin();
    mark_word(mk, (uintptr_t)one);
    mark_drain(mk, SIZE_MAX);
    for (size_t i = 1; i < n; i++) {
        cr_expect(marked(obj[i]), "%zu", i);
        cr_expect(marked(leaf[i]), "%zu", i);
        cr_expect_not(marked(dead[i]), "%zu", i);
    }
    finish(mk);
}
Test(mark, follows_any_word_of_an_untyped_object_of_any_size)
{
    cr_expect_eq(in_quiet_gort(sizes), 0);
}

static void arrays(void)
{
    static const size_t lengths[] = {1, 2, 17, 500, 3000, 40000, 200000};
    struct marker *mk;
    for (size_t k = 0; k < ARRAY_LEN(lengths); k++) {
        size_t n = lengths[k];
        knot *a = gort_new_array(knot, n);
        pointer *p = gort_new_array(pointer, n);
        wide *w = gort_new_array(wide, n / 100 + 1);
        knot *x = gort_new(knot), *y = gort_new(knot), *z = gort_new(knot), *no = gort_new(knot);
        knot *v = gort_new(knot), *u = gort_new(knot);
        a[n - 1].right = x;
        a[n - 1].number = (uintptr_t)no;
        a[n / 2].left = y;
        a[n / 2].number = (uintptr_t)no;
        p[n - 1].to = z;
        w[n / 100].first = v;
        w[n / 100].number = (uintptr_t)no;
        w[0].last = u;
        memcpy(w[n / 100].text, &no, sizeof no);
        mk = begin();
        mark_word(mk, (uintptr_t)a);
        mark_word(mk, (uintptr_t)&p[n / 2]);
        mark_word(mk, (uintptr_t)w);
        mark_drain(mk, SIZE_MAX);
        cr_expect(marked(x) && marked(y) && marked(z) && marked(v) && marked(u), "%zu", n);
        cr_expect_not(marked(no), "%zu", n);
        finish(mk);
    }
}
Test(mark, follows_the_pointers_of_typed_arrays_of_any_length)
{
    cr_expect_eq(in_quiet_gort(arrays), 0);
}

/* ---- words that are no pointers */
static void strange(void)
{
    char *p = gort_alloc(48); /* 170 slots leave bytes behind */
    struct span *s = find(p).span;
    uintptr_t words[] = {0,
                         1,
                         8,
                         UINT64_MAX,
                         s->base + PAGE_BYTES - 1,
                         (uintptr_t)&s,
                         HEAP_MAX,
                         HEAP_MAX - 1,
                         (uintptr_t)1 << 63};
    struct marker *mk = begin();
    mk->lo = 1; /* as if the heap was everywhere */
    mk->len = HEAP_MAX - 1;
    mark_range(mk, words, words + ARRAY_LEN(words), ROOT_DATA);
    mark_range(mk, words, words + ARRAY_LEN(words), ROOT_STACK);
    mark_drain(mk, SIZE_MAX);
    cr_expect_eq(mk->counts.marked_objects, 0u);
    cr_expect_eq(mk->counts.global_bytes, sizeof words);
    cr_expect_eq(mk->counts.stack_bytes, sizeof words);
    char *two[2] = {p, p};
    mark_range(mk, (char *)two + 1, (char *)two + 15, ROOT_DATA); /* no whole word */
    mark_drain(mk, SIZE_MAX);
    cr_expect_eq(mk->counts.marked_objects, 0u);
    finish(mk);
}
Test(mark, of_words_that_are_no_pointers_does_nothing)
{
    cr_expect_eq(in_quiet_gort(strange), 0);
}

/* ---- one past the end */
static bool kept_by(uintptr_t word, enum root_kind kind, const void *obj)
{
    gc_unmark_all();
    struct marker *mk = marker_take();
    mark_range(mk, &word, &word + 1, kind);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    return marked(obj);
}

static void expect_kept(uintptr_t end, const void *obj, bool kept)
{
    cr_expect_eq(kept_by(end, ROOT_STACK, obj), kept, "%p %#lx", obj, end);
    cr_expect_not(kept_by(end, ROOT_DATA, obj), "%p %#lx", obj, end);
}

static void ends(void)
{
    static void *keep[600];
    for (int i = 0; i < 600; i++)
        keep[i] = gort_alloc(i < 300 ? 64 : 1152); /* of the latter, seven leave bytes behind */
    char *large = gort_alloc(40960), *larger = gort_alloc(ARENA_BYTES), *pages = gort_alloc(9472);
    marker_put(begin());
    for (int i = 0; i < 300; i += 7)
        expect_kept((uintptr_t)keep[i] + 64, keep[i], true);
    struct span *s = find(keep[150]).span;
    expect_kept(s->base + 8192, (void *)(s->base + 8192 - 64), true); /* it ends its span */
    s = find(keep[400]).span;
    expect_kept(s->base + 7 * 1152, (void *)(s->base + 6 * 1152), true);
    expect_kept(s->base + 8192, (void *)(s->base + 6 * 1152), false);
    expect_kept((uintptr_t)large + 40960, large, true);
    expect_kept((uintptr_t)larger + ARENA_BYTES, larger, true);
    expect_kept((uintptr_t)pages + 9472, pages, true);
    finish(marker_take());
}
Test(mark, from_a_stack_keeps_what_ends_there)
{
    cr_expect_eq(in_quiet_gort(ends), 0);
}

/* ---- parts */
static void contents(void)
{
    knot *n = gort_new(knot), *other = gort_new(knot);
    n->left = n;
    n->right = other;
    void **big = gort_alloc(300000);
    void *leaf = gort_alloc_noscan(100);
    big[3] = &big[1000];
    big[37000] = leaf;
    struct object o = find(n), b = find(big);
    struct marker *mk = begin();
    mark_contents(mk, &o);
    mark_contents(mk, &b);
    mark_drain(mk, SIZE_MAX);
    cr_expect_not(marked(n));
    cr_expect(marked(other));
    cr_expect_not(marked(big));
    cr_expect(marked(leaf));
    finish(mk);
}
Test(mark, of_contents_spares_the_object_itself)
{
    cr_expect_eq(in_quiet_gort(contents), 0);
}

static void written(void)
{
    knot *live = gort_new(knot), *dead = gort_new(knot), *a = gort_new(knot), *b = gort_new(knot);
    knot *large = gort_new_array(knot, (size_t)10000), *c = gort_new(knot), *d = gort_new(knot);
    struct marker *mk = begin();
    mark_word(mk, (uintptr_t)live);
    mark_word(mk, (uintptr_t)large);
    mark_drain(mk, SIZE_MAX);
    live->right = a;
    live->number = (uintptr_t)d;
    dead->right = b;
    large[9000].left = c;
    uintptr_t page = (uintptr_t)live & ~4095ul;
    mark_written(mk, page, page + 4096);
    mark_drain(mk, SIZE_MAX);
    cr_expect(marked(a));
    cr_expect_not(marked(b));
    cr_expect_not(marked(c));
    page = (uintptr_t)&large[9000].left & ~4095ul;
    mark_written(mk, page, page + 4096);
    mark_written(mk, (uintptr_t)large - 64 * PAGE_BYTES, (uintptr_t)large); /* free pages too */
    mark_drain(mk, SIZE_MAX);
    cr_expect(marked(c));
    cr_expect_not(marked(d));
    finish(mk);
}
Test(mark, of_written_pages_looks_at_marked_objects_there)
{
    cr_expect_eq(in_quiet_gort(written), 0);
}

static void revived(void)
{
    knot *n = gort_new(knot);
    struct object o = find(n);
    marker_put(begin());
    cr_expect_not(gc_is_marked(&o));
    gc_revive(&o);
    cr_expect(gc_is_marked(&o));
    gc_unmark_all();
    cr_expect_not(gc_is_marked(&o));
    finish(marker_take());
}
Test(mark, can_be_given_back_and_taken)
{
    cr_expect_eq(in_quiet_gort(revived), 0);
}

/* ---- random graphs */
enum { OBJECTS = 20000 };
static void **graph[OBJECTS];

static size_t words_of(const void *p)
{
    return find(p).bytes / 8;
}

static void make_graph(void)
{
    for (int i = 0; i < OBJECTS; i++)
        graph[i] = gort_alloc(16 + (size_t)rand() % (rand() % 50 == 0 ? 3000 : 200));
    for (int i = 0; i < OBJECTS; i++)
        for (size_t w = words_of(graph[i]); w-- > 0;)
            graph[i][w] = rand() % 5 != 0 ? (void *)(uintptr_t)rand()
                                          : (char *)graph[rand() % OBJECTS] + rand() % 16;
}

static void graphs(void)
{
    make_graph();
    for (int i = 0; i < OBJECTS; i += 4) /* so that not all is reached */
        memset(graph[i], 0, words_of(graph[i]) * 8);
    struct marker *mk = begin();
    mark_word(mk, (uintptr_t)graph[1]);
    mark_drain(mk, SIZE_MAX);
    uint64_t n = mk->counts.marked_objects, expected = 0;
    /* Every object that a marked one points to is marked. */
    for (int i = 0; i < OBJECTS; i++) {
        struct object o;
        expected += marked(graph[i]);
        for (size_t w = words_of(graph[i]); marked(graph[i]) && w-- > 0;)
            cr_expect(!arena_find_object((uintptr_t)graph[i][w], &o) || gc_is_marked(&o));
    }
    cr_expect_eq(n, expected);
    cr_expect_gt(n, 100u);
    finish(mk);
}
Test(mark, reaches_all_of_a_random_graph)
{
    cr_expect_eq(in_quiet_gort(graphs), 0);
}
Test(mark, reaches_the_same_without_vectors)
{
    setenv("GODEBUG", "cpu.avx2=off", 1);
    cr_expect_eq(in_quiet_gort(graphs), 0);
}
