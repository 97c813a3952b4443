/* Allocation as a program sees it, and what is noted for the collector. */
#include "gc/gc.h"

#include "sched/sched.h"
#include "support.h"

#include <gort/go.h>
#include <gort/mem.h>

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

typedef struct {
    void *a;
    long n;
    void *b;
} three;
GORT_TYPE(three, a, b)

typedef struct {
    char text[1000];
    void *p;
} wide;
GORT_TYPE(wide, p)

typedef struct {
    int x, y;
} point;
GORT_TYPE_NOSCAN(point)

typedef struct {
    void *p;
} unnamed;

typedef struct {
    void *p;
} word;
GORT_TYPE(word, p)

static bool all_zero(const void *p, size_t bytes)
{
    const char *c = p;
    for (size_t i = 0; i < bytes; i++)
        if (c[i] != 0)
            return false;
    return true;
}

static struct object find(const void *p)
{
    struct object o = {0};
    cr_expect(arena_find_object((uintptr_t)p, &o));
    return o;
}

static void expect_fresh(void *p, size_t bytes)
{
    struct object o = find(p);
    size_t align = bytes & -bytes;
    cr_expect(all_zero(p, bytes));
    cr_expect_eq((uintptr_t)p % (align < 128 ? align : 128), 0u, "size %zu", bytes);
    cr_expect((uintptr_t)p >= o.base && (uintptr_t)p + bytes <= o.base + o.bytes);
    memset(p, 0xff, bytes);
}

static void every_boundary(void)
{
    for (unsigned c = 1; c < CLASSES; c++) {
        for (int off = -1; off <= 1; off++) {
            size_t bytes = (size_t)(class_bytes[c] + off);
            expect_fresh(gort_alloc(bytes), bytes);
            expect_fresh(gort_alloc_noscan(bytes), bytes);
            cr_expect_eq(find(gort_alloc(bytes)).span->kind, OBJ_CONSERVATIVE);
            cr_expect_eq(find(gort_alloc_noscan(bytes)).span->kind, OBJ_NOSCAN);
        }
    }
    expect_fresh(gort_alloc((size_t)100 << 20), (size_t)100 << 20);
}
Test(alloc, at_every_boundary_of_a_class)
{
    cr_expect_eq(in_gort(every_boundary), 0);
}

static void nothing(void)
{
    cr_expect_not_null(gort_alloc(0));
    cr_expect_eq(gort_alloc(0), gort_alloc_noscan(0));
    cr_expect_eq((void *)gort_new_array(int, (size_t)0), gort_alloc(0));
}
Test(alloc, of_nothing_is_one_address)
{
    cr_expect_eq(in_gort(nothing), 0);
}

static void tiny(void)
{
    gort_gomaxprocs(1); /* each P has a block of its own */
    char *a = gort_alloc_noscan(1), *b = gort_alloc_noscan(1);
    cr_expect_eq(b, a + 1);
    cr_expect_eq((uintptr_t)gort_alloc_noscan(8) % 8, 0u);
    cr_expect_eq((uintptr_t)gort_alloc_noscan(12) % 4, 0u);
    cr_expect_eq((uintptr_t)gort_alloc_noscan(6) % 2, 0u);
    for (size_t bytes = 1; bytes < 16; bytes++)
        for (int i = 0; i < 100; i++)
            expect_fresh(gort_alloc_noscan(bytes), bytes);
}
Test(alloc, tiny_objects_share_blocks)
{
    cr_expect_eq(in_gort(tiny), 0);
}

/* The bits of the words of [p, p + bytes), bytes <= 512. */
static uint64_t bits_at(const void *p, size_t bytes)
{
    struct span *s = find(p).span;
    uint64_t bits = 0;
    for (size_t i = 0; i < bytes / 8; i++) {
        size_t w = ((uintptr_t)p - s->base) / 8 + i;
        bits |= (load_rlx(&s->meta->ptr[w / 64]) >> w % 64 & 1) << i;
    }
    return bits;
}

static void small_typed(void)
{
    for (int i = 0; i < 1000; i++) {
        three *one = gort_new(three);
        cr_expect_eq(find(one).span->kind, OBJ_PRECISE);
        cr_expect_eq(bits_at(one, sizeof *one), 5u);
        three *many = gort_new_array(three, (size_t)7);
        cr_expect_eq(bits_at(many, 176), 05555555u); /* 101 seven times */
    }
}
Test(alloc, of_a_small_type_notes_its_pointers)
{
    cr_expect_eq(in_gort(small_typed), 0);
}

static void large_typed(void)
{
    wide *w[20];
    for (int i = 0; i < 20; i++) {
        w[i] = gort_new(wide);
        cr_expect(all_zero(w[i], sizeof *w[i]));
    }
    for (int i = 0; i < 20; i++) {
        struct object o = find(w[i]->text + 500);
        cr_expect_eq(o.base, (uintptr_t)w[i]);
        cr_expect_eq(load_acq(&o.span->u.types[o.slot]), gort_typeof(wide));
    }
    struct object o = find(&gort_new_array(wide, (size_t)100)[99]);
    cr_expect_eq(load_acq(&o.span->u.type), gort_typeof(wide));
    cr_expect_eq(o.span->class, 0);
}
Test(alloc, of_a_large_type_notes_the_type)
{
    cr_expect_eq(in_gort(large_typed), 0);
}

static void by_description(void)
{
    cr_expect_eq(find(gort_new(point)).span->kind, OBJ_NOSCAN);
    cr_expect_eq(find(gort_new_array(point, (size_t)10)).span->kind, OBJ_NOSCAN);
    cr_expect_eq(find(gort_new(unnamed)).span->kind, OBJ_CONSERVATIVE);
    cr_expect_eq(find(gort_alloc_type(gort_typeof(three), 2)).span->kind, OBJ_PRECISE);
    /* Of one word there is nothing to know. */
    cr_expect_eq(find(gort_new(word)).span->kind, OBJ_CONSERVATIVE);
    cr_expect_eq(find(gort_new_array(word, (size_t)2)).span->kind, OBJ_PRECISE);
}
Test(alloc, kind_follows_the_description)
{
    cr_expect_eq(in_gort(by_description), 0);
}

static void huge(void)
{
    for (int i = 0; i < 8; i++) {
        size_t bytes = ((size_t)1 << 20) + (size_t)i * 10000;
        char *p = i % 2 ? gort_alloc(bytes) : gort_alloc_noscan(bytes);
        expect_fresh(p, bytes);
        wide *w = gort_new_array(wide, (size_t)2000);
        struct object o = find(w);
        cr_expect(all_zero(w, o.bytes));
        memset(w, 0xff, 2000 * sizeof *w);
        for (int k = 0; k < 2000; k++)
            w[k].p = NULL;
        cr_expect_eq(load_acq(&o.span->u.type), gort_typeof(wide));
        cr_expect_eq(find(gort_new_array(point, (size_t)100000)).span->kind, OBJ_NOSCAN);
        gort_gc(); /* the next ones may get these pages */
    }
}
Test(alloc, of_huge_objects_is_zeroed_too)
{
    cr_expect_eq(in_gort(huge), 0);
}

static void texts(void)
{
    char *s = gort_sprintf("%d %s", 42, "words");
    cr_expect_str_eq(s, "42 words");
    cr_expect_eq(find(s).span->kind, OBJ_NOSCAN);
    s = gort_sprintf("%0*d", 5000, 1);
    cr_expect_eq(strlen(s), 5000u);
    cr_expect_str_eq(s + 4995, "00001");
    cr_expect_str_eq(gort_sprintf("%255s", "x") + 254, "x");
    cr_expect_str_eq(gort_sprintf("%256s", "x") + 255, "x");
    cr_expect_str_eq(gort_strdup(""), "");
    cr_expect_str_eq(gort_strdup("abc"), "abc");
}
Test(alloc, strings)
{
    cr_expect_eq(in_gort(texts), 0);
}

static void expect_death(void (*fn)(void), const char *text)
{
    char *out;
    int status;
    run_forked(fn, &out, &status);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 2, "status %#x", (unsigned)status);
    cr_expect_not_null(strstr(out, text), "%s", out);
}

static void *volatile sink;

static void too_long(void)
{
    sink = gort_new_array(long, SIZE_MAX / 4);
}
static void run_too_long(void)
{
    in_gort(too_long);
}
Test(alloc, of_too_long_an_array_panics)
{
    expect_death(run_too_long, "panic: runtime error: makeslice: len out of range\n");
}

static void too_many(void)
{
    sink = gort_alloc_type(gort_typeof(three), HEAP_MAX / sizeof(three) + 1);
}
static void run_too_many(void)
{
    in_gort(too_many);
}
Test(alloc, of_too_many_objects_panics)
{
    expect_death(run_too_many, "panic: runtime: allocation size out of range\n");
}

static void too_much(void)
{
    sink = gort_alloc_noscan(HEAP_MAX);
}
static void run_too_much(void)
{
    in_gort(too_much);
}
Test(alloc, without_memory_dies_as_go_does)
{
    expect_death(run_too_much,
                 "runtime: out of memory: cannot allocate 281474976710656-byte block (");
    expect_death(run_too_much, " in use)\nfatal error: out of memory\n");
}

/* ---- GODEBUG */
static void fenced(void)
{
    uintptr_t last = 0;
    for (size_t bytes = 1; bytes < 50000; bytes = bytes * 3 + 1) {
        char *p = gort_alloc_noscan(bytes);
        struct object o = find(p);
        cr_expect_eq(o.span->class, 0);
        cr_expect_eq(o.base, (uintptr_t)p);
        cr_expect_neq(o.base, last);
        expect_fresh(p, bytes);
        last = o.base;
    }
    struct object o = find(gort_new(three));
    cr_expect(o.span->class == 0 && o.span->kind == OBJ_PRECISE);
    cr_expect_eq(load_acq(&o.span->u.type), gort_typeof(three));
    o = find(gort_new_array(wide, (size_t)3));
    cr_expect(o.span->class == 0 && load_acq(&o.span->u.type) == gort_typeof(wide));
    cr_expect_eq(gort_alloc(0), gort_alloc_noscan(0));
}
Test(alloc, with_efence_gives_each_object_pages_of_its_own)
{
    setenv("GODEBUG", "efence=1", 1);
    cr_expect_eq(in_gort(fenced), 0);
}

static void for_good(void)
{
    struct object o;
    size_t sizes[] = {1, 2, 7, 8, 24, 100, 4096, 70000, 1000000};
    gort_mem_stats before, after;
    gort_read_mem_stats(&before);
    for (int i = 0; i < 20; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof sizes[0]; k++) {
            char *p = k % 2 ? gort_alloc(sizes[k]) : gort_alloc_noscan(sizes[k]);
            cr_expect_not(arena_find_object((uintptr_t)p, &o));
            cr_expect_eq((uintptr_t)p % 16, 0u);
            if (i < 10) {
                cr_expect(all_zero(p, sizes[k]));
                memset(p, 0xff, sizes[k]);
            }
        }
    cr_expect_eq((uintptr_t)gort_new(three) % 8, 0u);
    gort_read_mem_stats(&after);
    cr_expect_eq(after.heap_alloc, before.heap_alloc);
    cr_expect(after.other_sys >= before.other_sys + 20000000);
}
Test(alloc, with_sbrk_is_for_good_and_outside_the_heap)
{
    setenv("GODEBUG", "sbrk=1", 1);
    cr_expect_eq(in_gort(for_good), 0);
}

/* ---- many goroutines */
enum { WORKERS = 50, OBJECTS = 4000 };
static au32 finished;

static uint64_t mix(uint64_t x)
{
    return (x ^ x >> 29) * 0x9E3779B97F4A7C15ULL;
}

static size_t size_of(uint64_t worker, int i)
{
    uint64_t r = mix(worker * OBJECTS + (uint64_t)i);
    return r % 97 == 0 ? r % 60000 : r % 7 == 0 ? r % 2000 : r % 100;
}

/* Fills objects with a pattern of their own and looks whether somebody else wrote there. */
static void worker(uintptr_t id)
{
    unsigned char **mine = gort_alloc(OBJECTS * sizeof *mine);
    for (int i = 0; i < OBJECTS; i++) {
        size_t bytes = size_of(id, i);
        mine[i] = i % 2 ? gort_alloc(bytes) : gort_alloc_noscan(bytes);
        cr_expect(all_zero(mine[i], bytes));
        memset(mine[i], (int)(id % 255 + 1), bytes);
        if (i % 100 == 0)
            gort_gosched();
    }
    for (int i = 0; i < OBJECTS; i++)
        for (size_t k = 0; k < size_of(id, i); k++)
            if (mine[i][k] != id % 255 + 1)
                cr_expect(false, "object %d of %zu bytes", i, size_of(id, i));
    add_rlx(&finished, 1u);
}

static void many(void)
{
    gort_gomaxprocs(4);
    for (uintptr_t id = 0; id < WORKERS; id++)
        gort_go(worker, id);
    while (load_rlx(&finished) < WORKERS)
        gort_gosched();
    INSIDE(pages_check());
}
Test(alloc, by_many_goroutines_never_overlaps, .timeout = 120)
{
    cr_expect_eq(in_gort(many), 0);
}

/* ---- two types of one name: the linker keeps one description */
static void another_size(void)
{
    const gort_type *t = gort_typeof(three);
    char *one = gort_alloc_one(t, sizeof(three) + 8),
         *many = gort_alloc_array(t, sizeof(three) + 8, 5);
    cr_expect_eq(arena_span((uintptr_t)one)->kind, OBJ_CONSERVATIVE);
    cr_expect_eq(arena_span((uintptr_t)many)->kind, OBJ_CONSERVATIVE);
    cr_expect(arena_span((uintptr_t)many)->slot_bytes >= 5 * (sizeof(three) + 8));
    cr_expect_eq(arena_span((uintptr_t)gort_alloc_one(t, sizeof(three)))->kind, OBJ_PRECISE);
}

Test(alloc, a_type_of_another_size_is_not_believed)
{
    cr_expect_eq(in_gort(another_size), 0);
}
