/* Pointers in data segments, added ranges and timers are found, whoever looks; removed ones are not. */
#include "gc/gc_int.h"
#include "symb/symb.h"

#include "../prog/module_copy.h"
#include "support.h"

#include <gort.h>

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* No cycle runs by itself; marks that tests set by hand are in nobody's way. */
static void (*body)(void);

/* The first object is at the heap's start, which the runtime's own data may mention. */
static void behind_the_first(void)
{
    (void)*(volatile char *)gort_alloc(64);
    body();
}

static void run(void (*fn)(void))
{
    setenv("GOGC", "off", 1);
    body = fn;
    cr_assert_eq(in_gort(behind_the_first), 0);
}

/* An object that only a hidden word knows. */
static uintptr_t hidden_object(void)
{
    return ~(uintptr_t)gort_alloc(64);
}

static bool is_marked(uintptr_t hidden)
{
    struct object o;
    return arena_find_object(~hidden, &o) && gc_is_marked(&o);
}

static void mark(unsigned part, unsigned parts, bool all)
{
    struct m *m = m_enter();
    roots_list();
    mark_reset();
    struct marker *mk = marker_take();
    roots_mark(mk, part, parts, all);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    m_leave(m);
}

/* Marks with all parts; the number of parts after which it was found. */
static unsigned part_that_finds(uintptr_t hidden, unsigned parts)
{
    for (unsigned i = 0; i < parts; i++) {
        mark(i, parts, true);
        if (is_marked(hidden))
            return i + 1;
    }
    return 0;
}

static volatile uintptr_t in_data = 1, in_bss;

static void data_segments(void)
{
    uintptr_t a = hidden_object(), b = hidden_object(), c = hidden_object();
    in_data = ~a;
    in_bss = ~b + 60; /* an interior pointer */
    mark(0, 1, false);
    cr_expect(is_marked(a) && is_marked(b));
    cr_expect_not(is_marked(c));
    in_data = in_bss = 0;
}

Test(roots, data_segments_are_looked_at)
{
    run(data_segments);
}

static void ranges(void)
{
    uintptr_t a = hidden_object(), b = hidden_object(), c = hidden_object();
    uintptr_t *small = malloc(3 * sizeof *small);
    size_t bytes = 5 * ROOTS_PIECE_BYTES, before = roots_bytes();
    uintptr_t *large = malloc(bytes);
    memset(large, 0, bytes);
    small[1] = ~a;
    large[bytes / sizeof *large - 1] = ~b;
    gort_add_roots(small, 3 * sizeof *small);
    gort_add_roots(large, bytes);
    cr_expect_eq(roots_bytes(), before + bytes + 3 * sizeof *small);
    cr_expect(part_that_finds(a, 3) > 0);
    cr_expect(part_that_finds(b, 3) > 0);
    cr_expect(gort_remove_roots(small, 3 * sizeof *small));
    cr_expect(gort_remove_roots(large, bytes));
    cr_expect_not(gort_remove_roots(large, bytes));
    small[1] = ~c;
    mark(0, 1, true);
    cr_expect_not(is_marked(c), "removed");
    free(small);
    free(large);
}

Test(roots, ranges_are_looked_at_until_removed)
{
    run(ranges);
}

/* ---- a module that is unloaded: to touch its data would fault */
static struct os_module unsteady_module(void)
{
    const struct os_module *m;
    const struct os_tls *t;
    size_t nm, nt;
    os_modules(&m, &nm, &t, &nt);
    for (size_t i = 0; i < nm; i++)
        if (!symb_stays(m[i].lo))
            return m[i];
    return (struct os_module){0, 0, 0};
}

static void unloaded(void)
{
    uintptr_t a = hidden_object(), b = hidden_object();
    cr_assert(copy_libm());
    void *module = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    unlink(copy);
    cr_assert(module != NULL);
    struct os_module m = unsteady_module();
    uintptr_t *words = (uintptr_t *)((m.lo + 7) & ~(uintptr_t)7), keep = words[0];
    cr_assert(m.hi - m.lo > 2 * sizeof *words);
    cr_expect(symb_stays((uintptr_t)&in_data));
    words[0] = ~a;
    cr_expect(part_that_finds(a, 3) > 0);
    cr_expect_not(is_marked(b));
    mark(0, 1, false);
    cr_expect(is_marked(a), "nor is it tracked");
    words[0] = keep;
    dlclose(module);
    cr_assert_eq(unsteady_module().hi, 0, "it is gone");
    cr_assert_eq(os_copy_memory(&keep, (uintptr_t)words, sizeof keep), -EFAULT);
}

Test(roots, data_of_modules_that_may_be_unloaded_is_looked_at)
{
    run(unloaded);
}

static void unloaded_while_marking(void)
{
    cr_assert(copy_libm());
    void *module = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    unlink(copy);
    cr_assert(module != NULL);
    struct m *m = m_enter();
    roots_list();
    m_leave(m);
    dlclose(module);
    m = m_enter();
    mark_reset();
    struct marker *mk = marker_take();
    roots_mark(mk, 0, 1, true);
    roots_mark(mk, 0, 1, false);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    m_leave(m);
}

Test(roots, a_module_that_is_unloaded_meanwhile_is_not_touched)
{
    run(unloaded_while_marking);
}

enum { MANY = 1000 };

static void many_ranges(void)
{
    static uintptr_t object[MANY];
    uintptr_t *at = malloc(MANY * 2 * sizeof *at);
    for (int i = 0; i < MANY; i++) {
        object[i] = hidden_object();
        at[2 * i] = ~object[i];
        gort_add_roots(&at[2 * i], sizeof *at);
    }
    for (int i = 0; i < MANY; i += 3)
        gort_remove_roots(&at[2 * i], sizeof *at);
    for (unsigned part = 0; part < 4; part++)
        mark(part, 4, true);
    for (int i = 0; i < MANY; i++)
        cr_expect_eq(is_marked(object[i]), i % 3 != 0, "%d", i);
}

Test(roots, of_many_none_is_left_out)
{
    run(many_ranges);
}

static void ignore(void *arg)
{
    (void)arg;
}

static void timers(void)
{
    static uintptr_t object[MANY];
    static gort_timer *t[MANY];
    for (int i = 0; i < MANY; i++) {
        object[i] = hidden_object();
        t[i] = gort_after_func(INT64_C(3600000000000) - i, ignore, (void *)~object[i]);
    }
    memset(t, 0, sizeof t);
    for (unsigned part = 0; part < 3; part++)
        mark(part, 3, false);
    for (int i = 0; i < MANY; i++)
        cr_expect(is_marked(object[i]), "%d", i);
}

Test(roots, pending_timers_are_looked_at)
{
    run(timers);
}

/* ---- while others add and remove: memory that was removed is gone, and to touch it would fault */
static au32 stop;

static void come_and_go(void *arg)
{
    unsigned x = (unsigned)(uintptr_t)arg;
    for (int i = 0; i < 400; i++) {
        x = x * 1664525u + 1013904223u;
        size_t bytes = (1 + (x >> 16) % 4) * ROOTS_PIECE_BYTES;
        char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        bool twice = x % 3 == 0;
        gort_add_roots(p, bytes);
        if (twice)
            gort_add_roots(p, bytes);
        gort_gosched();
        cr_expect(gort_remove_roots(p, bytes));
        if (twice)
            cr_expect(gort_remove_roots(p, bytes));
        munmap(p, bytes);
    }
    add_seq(&stop, 1u);
}

static void *walk(void *arg)
{
    while (load_acq(&stop) < 2) {
        struct marker *mk = marker_take();
        roots_mark(mk, (unsigned)(uintptr_t)arg, 2, true);
        mark_drain(mk, SIZE_MAX);
        marker_put(mk);
    }
    return NULL;
}

static void concurrently(void)
{
    pthread_t t[2];
    mark(0, 1, true);
    for (uintptr_t i = 0; i < 2; i++)
        pthread_create(&t[i], NULL, walk, (void *)i);
    for (uintptr_t i = 0; i < 2; i++)
        gort_go(come_and_go, (void *)(i + 1));
    while (load_acq(&stop) < 2)
        gort_sleep(1000000);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
}

Test(roots, removed_memory_is_not_touched)
{
    run(concurrently);
}

/* ---- for the pacer */
static uintptr_t zeroed[4096];

Test(roots, zeroed_data_counts)
{
    os_modules(&(const struct os_module *){NULL}, &(size_t){0}, &(const struct os_tls *){NULL},
               &(size_t){0});
    roots_list();
    cr_expect(roots_current());
    cr_expect_geq(roots_bytes(), sizeof zeroed);
}

/* ---- what is none */
static unsigned threads;
static void not_in_data(struct m *m, void *arg)
{
    (void)arg;
    threads++;
    cr_expect_not(final_lives_for_ever(m), "thread %d", m->tid);
}
static void threads_of_the_runtime(void)
{
    gort_gc();
    sched_each_thread(not_in_data, NULL);
    cr_expect(threads >= 4, "%u", threads); /* main, the monitor, the maker, the leader */
}
Test(roots, bounds_of_threads_are_none)
{
    cr_assert_eq(in_gort(threads_of_the_runtime), 0);
}
