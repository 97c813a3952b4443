/* Written pages of heap, stacks and large roots are reported, whatever the kernel says. */
#include "gc/gc_int.h"

#include "support.h"

#include <gort.h>

#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 4 << 20, RUNS = 65536 };

static struct {
    enum dirty_kind kind;
    uintptr_t lo, hi;
} run[RUNS];
static size_t nruns;

static void note(enum dirty_kind kind, uintptr_t lo, uintptr_t hi, void *arg)
{
    (void)arg;
    if (nruns == RUNS)
        abort();
    run[nruns].kind = kind;
    run[nruns].lo = lo;
    run[nruns++].hi = hi;
}

static size_t collect(unsigned parts)
{
    size_t pages = 0, counted = 0;
    nruns = 0;
    for (unsigned i = 0; i < parts; i++)
        INSIDE(pages += dirty_collect(i, parts, true, note, NULL));
    for (size_t i = 0; i < nruns; i++)
        counted += (run[i].hi - run[i].lo) / os_page_bytes();
    cr_expect_eq(pages, counted);
    return pages;
}

/* How often the last collect reported this byte as part of such memory. */
static int reported(enum dirty_kind kind, const volatile void *p)
{
    int n = 0;
    for (size_t i = 0; i < nruns; i++)
        if (run[i].kind == kind && run[i].lo <= (uintptr_t)p && (uintptr_t)p < run[i].hi)
            n++;
    return n;
}

static bool skipped;

static void with(void (*body)(void))
{
    setenv("GOGC", "off", 1);
    cr_assert_eq(in_gort(body), 0);
    if (skipped)
        cr_skip_test("this kernel does not tell which pages were written");
}

static bool start(void)
{
    skipped = dirty_start() != 0;
    return !skipped;
}

static void arm(void)
{
    int r;
    roots_list();
    INSIDE(r = dirty_arm(0, 1));
    cr_expect_eq(r, 0);
}

static void heap_and_stack(void)
{
    volatile char on_stack;
    if (!start())
        return;
    volatile char *p = gort_alloc(BYTES), *q = gort_alloc_noscan(BYTES);
    memset((void *)p, 1, BYTES);
    memset((void *)q, 1, BYTES);
    arm();
    collect(1);
    cr_expect_eq(reported(DIRTY_HEAP, p + 5 * 4096), 0, "not written since");
    p[5 * 4096] = q[5 * 4096] = on_stack = 2;
    collect(3);
    cr_expect_eq(reported(DIRTY_HEAP, p + 5 * 4096), 1);
    cr_expect_eq(reported(DIRTY_HEAP, p + 20 * 4096), 0);
    cr_expect_eq(reported(DIRTY_HEAP, q + 5 * 4096), 0, "nothing to be found there");
    cr_expect_eq(reported(DIRTY_STACK, &on_stack), 1);
    collect(3);
    cr_expect_eq(reported(DIRTY_HEAP, p + 5 * 4096), 0);
}

Test(dirty, heap_and_stacks_without_what_has_no_pointers)
{
    with(heap_and_stack);
}

static void wait_a_little(void *arg)
{
    volatile char *here = alloca(64);
    *(volatile char **)arg = here;
    here[0] = 1;
    gort_sleep(INT64_C(3600000000000));
}

static void new_memory(void)
{
    static volatile char *there;
    if (!start())
        return;
    arm();
    collect(2);
    volatile char *p = gort_alloc((size_t)80 << 20); /* a new arena or two */
    p[70 << 20] = 1;
    gort_go(wait_a_little, &there);
    while (there == NULL)
        gort_gosched();
    collect(2);
    cr_expect_eq(reported(DIRTY_HEAP, p + (70 << 20)), 1);
    cr_expect_eq(reported(DIRTY_STACK, there), 1);
    collect(2);
    cr_expect_eq(reported(DIRTY_HEAP, p + (70 << 20)), 0);
    p[70 << 20] = 2;
    *there = 2; /* another goroutine's frame */
    collect(2);
    cr_expect_eq(reported(DIRTY_HEAP, p + (70 << 20)), 1);
    cr_expect_eq(reported(DIRTY_STACK, there), 1);
}

Test(dirty, what_came_later_is_taken_along)
{
    with(new_memory);
}

/* ---- roots */
static char zeroed[BYTES];

static char *map(int flags)
{
    char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, flags | MAP_ANONYMOUS, -1, 0);
    memset(p, 0, BYTES);
    return p;
}

static void large_roots(void)
{
    if (!start())
        return;
    char *p = map(MAP_PRIVATE), *shared = map(MAP_SHARED);
    memset(zeroed, 0, sizeof zeroed);
    gort_add_roots(p + 8, BYTES - 16);
    gort_add_roots(shared, BYTES);
    bool can = os_written_can_track((uintptr_t)p, (uintptr_t)p + BYTES);
    arm();
    collect(3);
    cr_expect_eq(reported(DIRTY_ROOT, p + BYTES / 2), 0);
    zeroed[BYTES / 2] = p[BYTES / 2] = shared[BYTES / 2] = p[8] = 1;
    collect(3);
    cr_expect_eq(reported(DIRTY_ROOT, zeroed + BYTES / 2), 1);
    cr_expect_eq(reported(DIRTY_ROOT, p + BYTES / 2), can);
    cr_expect_eq(reported(DIRTY_ROOT, p + 8), 0, "part of a page is always looked at");
    cr_expect_eq(reported(DIRTY_ROOT, shared + BYTES / 2), 0, "others may write to it");

    gort_add_roots(p + 4096, BYTES / 2);
    p[5 * 4096] = 1;
    collect(1);
    cr_expect_eq(reported(DIRTY_ROOT, p + 5 * 4096), can, "the new one is not tracked yet");
    cr_expect(gort_remove_roots(p + 8, BYTES - 16));
    p[5 * 4096] = 1;
    collect(1);
    cr_expect_eq(reported(DIRTY_ROOT, p + 5 * 4096), 0);
    arm();
    p[5 * 4096] = 1;
    collect(1);
    cr_expect_eq(reported(DIRTY_ROOT, p + 5 * 4096), can);
    if (can) { /* another mapping in its place: the kernel cannot say what was written */
        mmap(p + 8 * 4096, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1,
             0);
        for (int i = 0; i < 2; i++) {
            collect(2);
            cr_expect_eq(reported(DIRTY_ROOT, p + 8 * 4096), 1);
        }
    }
}

Test(dirty, large_roots)
{
    with(large_roots);
}

static bool is_marked(uintptr_t hidden)
{
    struct object o;
    return arena_find_object(~hidden, &o) && gc_is_marked(&o);
}

static void mark(bool all)
{
    struct m *m = m_enter();
    mark_reset();
    struct marker *mk = marker_take();
    roots_mark(mk, 0, 1, all);
    mark_drain(mk, SIZE_MAX);
    marker_put(mk);
    m_leave(m);
}

static void what_is_skipped(void)
{
    if (!start())
        return;
    uintptr_t object[4];
    (void)*(volatile char *)gort_alloc(64); /* at the heap's start: the runtime's data mention it */
    uintptr_t *p = (uintptr_t *)map(MAP_PRIVATE), words = BYTES / sizeof *p;
    for (int i = 0; i < 4; i++)
        object[i] = ~(uintptr_t)gort_alloc(64);
    if (!os_written_can_track((uintptr_t)p, (uintptr_t)p + BYTES))
        return;
    p[words / 2] = ~object[0];
    p[1] = ~object[1];
    p[words - 2] = ~object[2];
    ((uintptr_t *)zeroed)[words / 2] = ~object[3];
    gort_add_roots(p + 1, BYTES - 2 * sizeof *p);
    arm();
    mark(false);
    cr_expect(is_marked(object[1]) && is_marked(object[2]), "on partial pages");
    cr_expect_not(is_marked(object[0]), "the kernel would know");
    cr_expect_not(is_marked(object[3]));
    mark(true);
    cr_expect(is_marked(object[0]) && is_marked(object[3]));
}

Test(dirty, tracked_roots_are_not_looked_at_again)
{
    with(what_is_skipped);
}

/* ---- timers */
enum { TIMERS = 100000 };

static void ignore(void *arg)
{
    (void)arg;
}

struct timers_seen {
    int tracked;
    uintptr_t lo[64];
};

static bool count_heap(uintptr_t lo, uintptr_t hi, void *arg)
{
    (void)hi;
    struct timers_seen *s = arg;
    s->lo[s->tracked++ % 64] = lo;
    return true;
}

static void many_timers(void)
{
    struct timers_seen s = {0};
    if (!start())
        return;
    for (int i = 0; i < TIMERS; i++)
        gort_after_func(INT64_C(3600000000000) + i, ignore, NULL);
    arm();
    collect(2);
    INSIDE(roots_each_large(ROOTS_TRACKED, 0, 1, count_heap, &s));
    gort_after_func(INT64_C(1800000000000), ignore, NULL); /* the first: moves to the root */
    int before = 0, after = 0;
    collect(1);
    for (size_t i = 0; i < nruns; i++)
        before += run[i].kind == DIRTY_ROOT;
    collect(1);
    for (size_t i = 0; i < nruns; i++)
        after += run[i].kind == DIRTY_ROOT;
    cr_expect(before > 0);
    cr_expect(s.tracked > 0);
}

Test(dirty, arrays_of_timers)
{
    with(many_timers);
}

/* ---- refusals */
static void close_named(const char *name)
{
    for (int fd = 3; fd < 256; fd++) {
        char path[64], to[256] = "";
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        if (readlink(path, to, sizeof to - 1) > 0 && strstr(to, name) != NULL)
            close(fd);
    }
}

static void refused_later(void)
{
    if (!start())
        return;
    volatile char *p = gort_alloc(BYTES);
    memset((void *)p, 1, BYTES);
    arm();
    collect(1);
    close_named("/pagemap");
    for (int i = 0; i < 2; i++) {
        collect(3);
        cr_expect_eq(reported(DIRTY_HEAP, p + 9 * 4096), 1, "it may have been written");
        cr_expect_eq(reported(DIRTY_ROOT, zeroed + BYTES / 2), 1);
        cr_expect_eq(reported(DIRTY_STACK, &i), 1);
    }
    int r;
    INSIDE(r = dirty_arm(0, 1));
    cr_expect_eq(r, -EBADF);
}

Test(dirty, everything_counts_as_written_where_the_kernel_refuses)
{
    with(refused_later);
}

static void unregistered(void)
{
    if (!start())
        return;
    volatile char *p = gort_alloc(BYTES);
    memset((void *)p, 1, BYTES);
    arm();
    collect(1);
    os_written_untrack((void *)((uintptr_t)p & ~(uintptr_t)4095), 4096);
    collect(2);
    cr_expect_eq(reported(DIRTY_HEAP, p), 1);
    collect(2);
    cr_expect_eq(reported(DIRTY_HEAP, p), 0, "registered again");
}

Test(dirty, what_is_not_tracked_any_more_is_tracked_again)
{
    with(unregistered);
}
