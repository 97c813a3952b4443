/* What is attached to objects: order, uniqueness, the flag of the span. No collection is needed. */
#include "gc/gc_int.h"

#include "support.h"

#include <gort.h>
#include <gort/prof.h>

#include <criterion/criterion.h>

static struct object find(void *p)
{
    struct object o = {0};
    cr_expect(arena_find_object((uintptr_t)p, &o));
    return o;
}

static bool add(void *p, enum special_kind kind, void *a, uint64_t id)
{
    struct m *m = m_enter();
    struct object o = find(p);
    bool added = special_add(&o, kind, a, NULL, id);
    specials_check(o.span);
    m_leave(m);
    return added;
}

static bool drop(void *p, enum special_kind kind, uint64_t id, struct special *out)
{
    struct m *m = m_enter();
    struct object o = find(p);
    bool found = special_remove(&o, kind, id, out);
    specials_check(o.span);
    m_leave(m);
    return found;
}

static bool flagged(void *p)
{
    struct span *s = find(p).span;
    uint32_t state = load_acq(&arena_of(s->base)->state[(s->base >> PAGE_SHIFT) % ARENA_PAGES]);
    return (state & PAGE_SPECIALS) != 0;
}

static void one_of_a_key(void)
{
    struct special sp;
    char *p = gort_alloc(100);
    int x, y;
    cr_expect(!flagged(p));
    cr_expect(add(p, SPECIAL_FINALIZER, &x, 0) && flagged(p));
    cr_expect(!add(p, SPECIAL_FINALIZER, &y, 0));
    cr_expect(add(p, SPECIAL_CLEANUP, &y, 7) && add(p, SPECIAL_CLEANUP, &y, 8));
    cr_expect(add(p, SPECIAL_WEAK, &y, 0) && add(p, SPECIAL_WEAK, &y, 8));
    cr_expect(!drop(p, SPECIAL_CLEANUP, 9, NULL) && !drop(p, SPECIAL_SAMPLE, 0, NULL));
    cr_expect(drop(p, SPECIAL_FINALIZER, 0, &sp) && sp.a == &x && sp.id == 0);
    cr_expect(!drop(p, SPECIAL_FINALIZER, 0, NULL));
    cr_expect(drop(p, SPECIAL_CLEANUP, 8, &sp) && sp.a == &y && sp.id == 8);
    cr_expect(drop(p, SPECIAL_CLEANUP, 7, NULL) && drop(p, SPECIAL_WEAK, 8, NULL));
    cr_expect(flagged(p));
    cr_expect(drop(p, SPECIAL_WEAK, 0, NULL) && !flagged(p));
}
Test(special, there_is_one_of_a_kind_and_id)
{
    cr_expect_eq(in_gort(one_of_a_key), 0);
}

enum { N = 500 };
static char *object[N];
static int seen;
static uintptr_t last;

static void in_order(const struct object *o, const struct special *sp, void *arg)
{
    cr_expect_eq(arg, &seen);
    cr_expect_eq(sp->kind, SPECIAL_SAMPLE);
    cr_expect_eq((uintptr_t)sp->a, o->base);
    cr_expect(last == 0 || o->base != last);
    last = o->base;
    seen++;
}

static void many(void)
{
    gort_mem_profile_rate = 0;
    for (int i = 0; i < N; i++)
        object[i] = gort_alloc(i % 2 ? 48 : 40000);
    for (int i = 0; i < N; i++) /* 7 and N have no common divisor */
        cr_expect(add(object[i * 7 % N], SPECIAL_SAMPLE, object[i * 7 % N], 0));
    struct m *m = m_enter();
    specials_each(SPECIAL_SAMPLE, in_order, &seen);
    m_leave(m);
    cr_expect_eq(seen, N);
    for (int i = 0; i < N; i++)
        cr_expect(drop(object[i * 3 % N], SPECIAL_SAMPLE, 0, NULL));
    m = m_enter();
    specials_each(SPECIAL_SAMPLE, in_order, &seen);
    m_leave(m);
    cr_expect_eq(seen, N);
}
Test(special, are_listed_in_order)
{
    cr_expect_eq(in_gort(many), 0);
}

static gort_waitgroup wg;
static au32 added;

static void rival(void)
{
    for (int round = 0; round < 20; round++)
        for (int i = 0; i < N; i++) {
            if (add(object[i], SPECIAL_WEAK, NULL, 0))
                add_seq(&added, 1u);
            if (i % 16 == 0)
                gort_gosched();
            if (drop(object[i], SPECIAL_WEAK, 0, NULL))
                sub_seq(&added, 1u);
        }
    gort_waitgroup_done(&wg);
}

static void rivals(void)
{
    for (int i = 0; i < N; i++)
        object[i] = gort_alloc(32);
    gort_waitgroup_add(&wg, 4);
    for (int i = 0; i < 4; i++)
        gort_go(rival);
    gort_waitgroup_wait(&wg);
    cr_expect_eq(load_seq(&added), 0u);
    for (int i = 0; i < N; i++)
        cr_expect(!drop(object[i], SPECIAL_WEAK, 0, NULL));
}
Test(special, of_one_span_are_changed_by_many_at_once)
{
    cr_expect_eq(in_gort(rivals), 0);
}

/* Samples of the dead are handed back, with their size. */
static au32 dropped;
static au64 dropped_bytes;

static void drop_sample(void *record, size_t bytes)
{
    if (record != &dropped)
        return; /* the profiler's */
    add_seq(&dropped, 1u);
    add_seq(&dropped_bytes, (uint64_t)bytes);
}

static void sample(void)
{
    for (int i = 0; i < 100; i++)
        add(gort_alloc(100), SPECIAL_SAMPLE, &dropped, 0);
    gort_waitgroup_done(&wg);
}

static void samples(void)
{
    gort_mem_profile_rate = 0;
    gc_sample_freed = drop_sample;
    gort_waitgroup_add(&wg, 1);
    gort_go(sample);
    gort_waitgroup_wait(&wg);
    gort_gc();
    gort_gc();
    uint32_t n = load_seq(&dropped);
    cr_expect(n >= 95 && n <= 100, "%u", n);
    cr_expect_eq(load_seq(&dropped_bytes), n * (uint64_t)112);
}
Test(special, a_sample_ends_with_its_object)
{
    cr_expect_eq(in_gort(samples), 0);
}
