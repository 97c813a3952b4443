/* backlog_test.c: written pages wait until they are looked at. */
#include "gc/scan.h"

#include "support.h"

#include <criterion/criterion.h>
#include <gort.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { WORDS = 1 << 19, PAGE_WORDS = 4096 / 8 };

typedef struct knot {
    struct knot *left, *right;
} knot;
GORT_TYPE(knot, left, right)

static bool skipped;

static void with(void (*body)(void))
{
    setenv("GOGC", "off", 1);
    cr_assert_eq(in_gort(body), 0);
    if (skipped)
        cr_skip_test("this kernel does not tell which pages were written");
}

static bool marked(const void *p)
{
    struct object o = {0};
    cr_expect(arena_find_object((uintptr_t)p, &o));
    return gc_is_marked(&o);
}

/* Everything is protected, and marks are fresh; no allocation from here on. */
static struct marker *begin(void)
{
    roots_list();
    m_enter();
    cr_expect_eq(dirty_arm(0, 1), 0);
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
    mem_mark_end();
    while (mem_sweep(100) > 0) {
    }
    m_leave(self());
}

static void root_goes(void)
{
    skipped = dirty_start() != 0;
    if (skipped)
        return;
    size_t bytes = WORDS * sizeof(void *);
    void **root = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    knot *a = gort_new(knot);
    gort_add_roots(root, bytes);
    for (size_t i = 0; i < WORDS; i += PAGE_WORDS)
        root[i] = NULL;
    struct marker *mk = begin();
    root[WORDS / 2] = a;
    cr_expect_geq(backlog_fill(false), 1u);
    m_leave(self());
    cr_expect(gort_remove_roots(root, bytes));
    munmap(root, bytes);
    m_enter();
    (void)backlog_work_off(INT64_MAX, 1);
    mark_drain(mk, SIZE_MAX);
    cr_expect(marked(a));
    finish(mk);
}
Test(backlog, holds_no_memory_that_the_program_may_unmap)
{
    with(root_goes);
}
