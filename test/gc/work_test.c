/* work_test.c: grey things are shared, none is lost, and their end is noticed. */
#include "gc/scan.h"

#include "support.h"

#include <criterion/criterion.h>
#include <gort.h>
#include <pthread.h>
#include <stdlib.h>

enum { OBJECTS = 100000, THREADS = 4 };
static void **graph[OBJECTS];

static int in_quiet_gort(void (*fn)(void))
{
    setenv("GOGC", "off", 1);
    return in_gort(fn);
}

static bool marked(const void *p)
{
    struct object o;
    return arena_find_object((uintptr_t)p, &o) && gc_is_marked(&o);
}

/* Each object has two children, in random order of addresses, and two pointers to anything. */
static void make_graph(void)
{
    for (int i = 0; i < OBJECTS; i++)
        graph[i] = gort_alloc(i % 100 == 0 ? 2000 : 32 + (size_t)rand() % 64);
    for (int i = OBJECTS - 1; i > 0; i--) {
        int k = rand() % i;
        void **swap = graph[i];
        graph[i] = graph[k];
        graph[k] = swap;
    }
    for (int i = 0; i < OBJECTS; i++) {
        graph[i][0] = 2 * i + 1 < OBJECTS ? (void *)graph[2 * i + 1] : NULL;
        graph[i][1] = 2 * i + 2 < OBJECTS ? (void *)graph[2 * i + 2] : NULL;
        graph[i][2] = graph[rand() % OBJECTS];
        graph[i][3] = graph[rand() % OBJECTS];
    }
}

static void begin(void)
{
    m_enter();
    mem_cache_flush_all();
    mem_mark_start();
    mark_reset();
}

static void finish(void)
{
    cr_expect(mark_quiet());
    cr_expect_not(mark_has_work());
    gc_verify();
    mem_mark_end();
    m_leave(self());
}

static void expect_all_marked(void)
{
    struct mark_counts c;
    mark_counts(&c);
    cr_expect_eq(c.marked_objects, OBJECTS);
    for (int i = 0; i < OBJECTS; i++)
        cr_expect(marked(graph[i]));
}

static void by_one_in_pieces(void)
{
    make_graph();
    begin();
    struct marker *mk = marker_take();
    cr_expect_not(mark_quiet());
    mark_word(mk, (uintptr_t)graph[0]);
    marker_put(mk);
    cr_expect(mark_has_work());
    cr_expect_not(mark_quiet());
    for (size_t done = 1; done > 0;) {
        mk = marker_take();
        done = mark_drain(mk, 1000);
        marker_put(mk);
    }
    expect_all_marked();
    finish();
}
Test(work, done_in_small_pieces_is_done)
{
    cr_expect_eq(in_quiet_gort(by_one_in_pieces), 0);
}

static au32 workers;

static void *work_on(void *arg)
{
    (void)arg;
    add_seq(&workers, 1u);
    while (load_seq(&workers) < THREADS) {
    }
    while (!mark_quiet()) {
        struct marker *mk = marker_take();
        mark_drain(mk, 1u << (unsigned)rand() % 20);
        marker_put(mk);
    }
    return NULL;
}

static void by_many(void)
{
    pthread_t thread[THREADS];
    make_graph();
    begin();
    struct marker *mk = marker_take();
    mark_word(mk, (uintptr_t)graph[0]);
    marker_put(mk);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, work_on, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    expect_all_marked();
    finish();
}
Test(work, done_by_many_threads_is_done)
{
    cr_expect_eq(in_quiet_gort(by_many), 0);
}

static void shared(void)
{
    make_graph();
    begin();
    struct marker *a = marker_take(), *b = marker_take();
    mark_word(a, (uintptr_t)graph[0]);
    size_t both[2] = {0, 0};
    for (int quiet = 0; quiet < 2; quiet++) {
        for (size_t n = 1; n > 0;) {
            n = mark_drain(a, 10000);
            both[0] += n;
            size_t m = mark_drain(b, 10000);
            both[1] += m;
            n += m;
        }
    }
    cr_expect_gt(both[0], 100000u);
    cr_expect_gt(both[1], 100000u); /* what a gives away */
    marker_put(a);
    cr_expect_not(mark_quiet());
    marker_put(b);
    expect_all_marked();
    finish();
}
Test(work, is_given_to_who_has_none)
{
    cr_expect_eq(in_quiet_gort(shared), 0);
}

static void stopping(void)
{
    make_graph();
    begin();
    struct marker *mk = marker_take();
    mark_word(mk, (uintptr_t)graph[0]);
    store_seq(&gc.stopping, 1u);
    cr_expect_eq(mark_drain(mk, SIZE_MAX), 0u);
    store_seq(&gc.stopping, 0u);
    cr_expect_gt(mark_drain(mk, SIZE_MAX), 0u);
    marker_put(mk);
    expect_all_marked();
    finish();
}
Test(work, rests_when_the_world_is_to_stop)
{
    cr_expect_eq(in_quiet_gort(stopping), 0);
}

static void given_up(void)
{
    make_graph();
    begin();
    struct marker *mk = marker_take();
    mark_word(mk, (uintptr_t)graph[0]);
    mark_drain(mk, 1);
    marker_put(mk);
    cr_expect(mark_has_work());
    gc_unmark_all();
    cr_expect(mark_quiet());
    cr_expect_not(marked(graph[0]));
    mk = marker_take();
    mark_word(mk, (uintptr_t)graph[0]);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    expect_all_marked();
    finish();
}
Test(work, can_be_given_up_halfway)
{
    cr_expect_eq(in_quiet_gort(given_up), 0);
}

static void in_child(void)
{
    make_graph();
    begin();
    struct marker *other = marker_take(); /* of a thread that is not in the child */
    mark_word(other, (uintptr_t)graph[5]);
    work_reset_in_child();
    cr_expect(mark_quiet());
    struct marker *mk = marker_take();
    mark_word(mk, (uintptr_t)graph[0]);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    expect_all_marked();
    finish();
}
Test(work, begins_anew_in_a_child)
{
    cr_expect_eq(in_quiet_gort(in_child), 0);
}
