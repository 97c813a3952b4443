/* Whose turn it is to be swept: nothing is lost, nothing is swept twice. */
#include "mem/mem.h"

#include <gort/prof.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>

static struct cache *cache;

static void setup(void)
{
    gort_mem_profile_rate = 0; /* there is no M to draw for */
    cache = mem_cache_new();
}

TestSuite(central, .init = setup);

static uintptr_t take_from(struct cache *c, enum obj_kind kind, unsigned class)
{
    struct slot *s = &c->slot[kind][class];
    void *p = cache_pop(s);
    if (p == NULL) {
        cr_assert(cache_refill(c, kind, class));
        p = cache_pop(s);
    }
    return (uintptr_t)p;
}

static uintptr_t take(enum obj_kind kind, unsigned class)
{
    return take_from(cache, kind, class);
}

static bool is_object(uintptr_t word)
{
    struct object o;
    return arena_find_object(word, &o);
}

static void mark(uintptr_t p)
{
    struct object o;
    cr_assert(arena_find_object(p, &o));
    span_mark(o.span, o.slot, o.slot + 1);
}

static void sweep_rest(void)
{
    while (mem_sweep(7) > 0)
        central_check();
    cr_expect(mem_sweep_done());
    central_check();
    pages_check();
}

static uint64_t inuse(void)
{
    struct mem_usage u;
    pages_usage(&u);
    return u.heap_inuse;
}

Test(central, spans_with_nothing_alive_go_back)
{
    for (int i = 0; i < 10000; i++)
        take(OBJ_CONSERVATIVE, 6);
    mem_large_take(1000000, OBJ_NOSCAN);
    cr_expect(inuse() > 1600000);
    mem_mark_start();
    mem_mark_end();
    cr_expect_not(mem_sweep_done());
    sweep_rest();
    cr_expect_eq(inuse(), 0u);
    cr_expect_eq(mem_sweep(1), 0u);
}

Test(central, sweeping_stops_after_as_many_as_asked)
{
    unsigned n = 0, got;
    uintptr_t p[40];
    for (int i = 0; i < 40; i++)
        p[i] = mem_large_take(40000, OBJ_CONSERVATIVE)->base;
    mem_mark_start();
    for (int i = 0; i < 40; i++)
        mark(p[i]);
    mem_mark_end();
    while ((got = mem_sweep(3)) > 0) {
        cr_expect(got <= 3);
        n += got;
        central_check();
    }
    cr_expect_eq(n, 40u);
}

/* Fills `n` spans of class 10 (64 slots); what the last slot of each is. */
static void fill_spans(uintptr_t *last, int n)
{
    for (int i = 0; i < n; i++)
        for (int k = 0; k < 64; k++)
            last[i] = take(OBJ_CONSERVATIVE, 10);
}

Test(central, an_allocation_sweeps_before_the_heap_grows)
{
    uintptr_t last[8];
    fill_spans(last, 8);
    uint64_t before = inuse();
    mem_mark_start();
    for (int i = 0; i < 8; i++)
        mark(last[i]);
    mem_mark_end();
    for (int i = 0; i < 8 * 63; i++) /* just the holes */
        take(OBJ_CONSERVATIVE, 10);
    cr_expect_eq(inuse(), before);
    for (int i = 0; i < 8; i++)
        cr_expect(is_object(last[i]));
    take(OBJ_CONSERVATIVE, 10);
    cr_expect_eq(inuse(), before + PAGE_BYTES);
    cr_expect(mem_sweep_done());
    central_check();
}

Test(central, other_classes_are_swept_for_their_pages)
{
    uintptr_t last[8];
    fill_spans(last, 8);
    uint64_t before = inuse();
    mem_mark_start();
    mem_mark_end();
    for (int i = 0; i < 8 * 128; i++)
        take(OBJ_CONSERVATIVE, 6);
    cr_expect_eq(inuse(), before);
}

Test(central, a_large_object_sweeps_for_its_pages)
{
    for (int i = 0; i < 20; i++)
        mem_large_take(10 * PAGE_BYTES, OBJ_NOSCAN);
    uint64_t before = inuse();
    mem_mark_start();
    mem_mark_end();
    mem_large_take(60 * PAGE_BYTES, OBJ_NOSCAN);
    cr_expect(inuse() <= before, "%zu", (size_t)inuse());
    sweep_rest();
    cr_expect_eq(inuse(), 60 * PAGE_BYTES);
}

Test(central, one_span_may_be_swept_out_of_turn)
{
    uintptr_t last[5];
    fill_spans(last, 5);
    mem_mark_start();
    for (int i = 0; i < 5; i++)
        mark(last[i]);
    mem_mark_end();
    struct span *s = arena_span(last[2]);
    cr_expect_neq(load_rlx(&s->swept), load_rlx(&mem_gc.cycle));
    mem_sweep_span(s);
    cr_expect_eq(load_rlx(&s->swept), load_rlx(&mem_gc.cycle));
    cr_expect_not(is_object(s->base));
    cr_expect(is_object(last[2]));
    central_check();
    mem_sweep_span(s);
    central_check();
    cr_expect_eq(mem_sweep(100), 4u);
    mem_sweep_span(s);
    sweep_rest();
}

/* Who asks for the span of a dead object may come when the span is gone, and its struct a free run's. */
Test(central, what_is_no_span_is_not_swept)
{
    struct span none = {0};
    for (int i = 0; i < 3; i++) {
        mem_sweep_span(&none);
        mem_mark_start();
        mem_mark_end();
        mem_sweep_span(&none);
        sweep_rest();
    }
    cr_expect_eq(load_rlx(&none.swept), 0u);
}

static void count(struct span *s, void *arg)
{
    (void)s;
    ++*(int *)arg;
}

Test(central, walks_see_both_sets)
{
    uintptr_t last[6];
    int n = 0;
    fill_spans(last, 6);
    mem_mark_start();
    for (int i = 0; i < 6; i++)
        mark(last[i]);
    mem_mark_end();
    mem_sweep_span(arena_span(last[0]));
    central_each(10, OBJ_CONSERVATIVE, count, &n);
    cr_expect_eq(n, 6);
}

/* ---- many cycles, against a model */
enum { MANY = 3000, CYCLES = 60 };
static struct {
    uintptr_t p;
    unsigned class;
    uint64_t stamp;
} live[MANY];
static uint64_t state = 99;
static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static size_t bytes_of(int i)
{
    return live[i].class == 0 ? 50000 : class_bytes[live[i].class];
}

static void birth(int i)
{
    static const unsigned classes[] = {0, 1, 2, 3, 6, 10, 20, 26, 27, 45, 67};
    unsigned class = classes[rnd() % 100 == 0 ? 0 : 1 + rnd() % (rnd() % 8 ? 6 : 10)];
    enum obj_kind kind = class == 1 ? OBJ_CONSERVATIVE : (enum obj_kind)(rnd() % OBJ_KINDS);
    live[i].class = class;
    live[i].p = class == 0 ? mem_large_take(50000, kind)->base : take(kind, class);
    live[i].stamp = rnd();
    uint64_t *w = (uint64_t *)live[i].p;
    for (size_t k = 0; k < bytes_of(i) / 8; k++) {
        cr_assert_eq(w[k], 0u, "an object is born with old bytes");
        w[k] = live[i].stamp + k;
    }
}

static void check_all(void)
{
    for (int i = 0; i < MANY; i++) {
        if (live[i].p == 0)
            continue;
        cr_assert(is_object(live[i].p));
        uint64_t *w = (uint64_t *)live[i].p;
        for (size_t k = 0; k < bytes_of(i) / 8; k++)
            cr_assert_eq(w[k], live[i].stamp + k, "an object lost its bytes");
    }
}

static void births(int n)
{
    while (n-- > 0) {
        int i = (int)(rnd() % MANY);
        if (live[i].p == 0)
            birth(i);
    }
}

static void one_cycle(void)
{
    bool old[MANY];
    for (int i = 0; i < MANY; i++)
        old[i] = live[i].p != 0;
    mem_mark_start();
    births(500);
    if (rnd() % 3 == 0)
        mem_cache_flush_all(); /* for MemStats */
    for (int i = 0; i < MANY; i++) {
        if (old[i] && rnd() % 3 == 0)
            live[i].p = 0; /* not reachable any more */
        else if (old[i])
            mark(live[i].p);
    }
    mem_cache_check(cache);
    mem_mark_end();
    central_check();
    births(1000);
    mem_sweep((unsigned)(rnd() % 50));
    mem_cache_check(cache);
    central_check();
    births(1000);
    sweep_rest();
    mem_cache_check(cache);
    check_all();
    births(1000);
}

Test(central, objects_that_are_marked_survive_many_cycles)
{
    for (int i = 0; i < CYCLES; i++)
        one_cycle();
    memset(live, 0, sizeof live);
    mem_mark_start();
    mem_mark_end();
    sweep_rest();
    cr_expect_eq(inuse(), 0u);
}

/* ---- several threads */
static au32 stop;

static void *sweeper(void *arg)
{
    (void)arg;
    while (load_acq(&stop) == 0)
        mem_sweep(2);
    return NULL;
}

struct worker {
    struct cache *cache;
    uintptr_t *keep;
    int n;
};
static void *allocator(void *arg)
{
    struct worker *w = arg;
    for (int i = 0; i < w->n; i++) {
        uintptr_t p = take_from(w->cache, i % 2 ? OBJ_PRECISE : OBJ_CONSERVATIVE, 4 + i % 7);
        *(uintptr_t *)p = p ^ 1;
        w->keep[i] = p;
        if (i % 16 == 0)
            mem_sweep_span(arena_span(w->keep[i / 2]));
    }
    return NULL;
}

Test(central, threads_sweep_and_allocate_at_once, .timeout = 60)
{
    enum { WORKERS = 3, OBJECTS = 20000 };
    static uintptr_t keep[2][WORKERS][OBJECTS];
    struct worker w[WORKERS];
    pthread_t t[WORKERS], s;
    for (int i = 0; i < WORKERS; i++)
        w[i].cache = mem_cache_new();
    for (int round = 0; round < 12; round++) {
        uintptr_t(*old)[OBJECTS] = keep[(round + 1) % 2], (*now)[OBJECTS] = keep[round % 2];
        store_rel(&stop, 0u);
        pthread_create(&s, NULL, sweeper, NULL);
        for (int i = 0; i < WORKERS; i++) {
            w[i].keep = now[i];
            w[i].n = OBJECTS;
            pthread_create(&t[i], NULL, allocator, &w[i]);
        }
        for (int i = 0; i < WORKERS; i++)
            pthread_join(t[i], NULL);
        store_rel(&stop, 1u);
        pthread_join(s, NULL);
        sweep_rest();
        for (int i = 0; i < WORKERS; i++)
            for (int k = 0; k < OBJECTS; k++) {
                cr_assert_eq(*(uintptr_t *)now[i][k], now[i][k] ^ 1);
                if (round > 0 && k % 3 == 0)
                    cr_assert_eq(*(uintptr_t *)old[i][k], old[i][k] ^ 1);
            }
        mem_mark_start();
        for (int i = 0; i < WORKERS; i++)
            for (int k = 0; k < OBJECTS; k += 3)
                mark(now[i][k]);
        mem_check();
        mem_mark_end();
        mem_check();
    }
}
