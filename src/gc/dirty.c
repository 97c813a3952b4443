/* dirty.c: which pages the program wrote while marking runs.
 *
 * Owns    the order in which pages are protected, asked for, and looked at; what is asked for.
 * Holds   1. What was written is protected again before it is looked at: a write that comes later is
 *            reported later.
 *         2. Where the kernel refuses, everything counts as written.
 * Locks   none. Parts of one walk share the memory by address, not by a counter.
 * Order   dirty_arm comes before anything is marked; the kernel's own locks order its writes of page
 *         tables with those of the program.
 * Instead of a table of what is tracked: the kernel's is asked. An arena or a region of stacks that is not
 *         registered yet answers -EPERM; whoever meets that registers it, and takes it as written. Large
 *         roots need a table, for others must know what they need not look at (roots.c).
 *
 * Nothing is taken back when a cycle is over: a page that stays protected costs one fault at
 * its next write, and that much costs less than walking all pages once more; it is protected again by the
 * next cycle anyhow.
 */
#include "gc/gc_int.h"

#include <errno.h>

int dirty_start(void)
{
    return os_written_start();
}

struct walk {
    unsigned part, parts;
    dirty_fn fn; /* NULL: only protect */
    void *arg;
    enum dirty_kind kind;
    uintptr_t lo, hi; /* to be registered, if it is not */
    size_t pages;
    int refused; /* -errno of the last refusal, or 0 */
};

static void report(struct walk *w, uintptr_t lo, uintptr_t hi)
{
    w->pages += (hi - lo) / os_page_bytes();
    if (w->fn != NULL)
        w->fn(w->kind, lo, hi, w->arg);
}

/* Protects the written pages of [*at, hi) again and reports them. 0, or -errno: there is *at. */
static int collect(struct walk *w, uintptr_t *at, uintptr_t hi)
{
    struct os_range run[DIRTY_RUNS];
    while (*at < hi) {
        uintptr_t next;
        int n = os_written_collect(*at, hi, run, DIRTY_RUNS, &next);
        if (n < 0)
            return n;
        for (int i = 0; i < n; i++)
            report(w, run[i].lo, run[i].hi);
        *at = next;
    }
    return 0;
}

/* One chunk of heap or stacks, some of which may be new. */
static void walk_chunk(struct walk *w, uintptr_t lo, uintptr_t hi)
{
    int r = collect(w, &lo, hi);
    if (r == -EPERM)
        r = os_written_track((void *)w->lo, w->hi - w->lo);
    if (r == 0)
        r = collect(w, &lo, hi);
    if (r == 0)
        return;
    w->refused = r;
    report(w, lo, hi);
}

/* Where nobody has a stack any more there is nothing to protect, and what is written there belongs to
 * somebody who came later: then it is looked at, for it was never protected. */
static bool worth_a_look(const struct walk *w, uintptr_t lo, uintptr_t hi)
{
    return w->kind != DIRTY_STACK || stack_any_taken(lo, hi);
}

/* This part's chunks of [lo, hi). */
static void walk_chunks(struct walk *w, uintptr_t lo, uintptr_t hi)
{
    for (uintptr_t at = lo, end; at < hi; at = end) {
        end = (at | (DIRTY_CHUNK_BYTES - 1)) + 1;
        if (end > hi)
            end = hi;
        if (at / DIRTY_CHUNK_BYTES % w->parts == w->part && worth_a_look(w, at, end))
            walk_chunk(w, at, end);
    }
}

static uintptr_t page_up(uintptr_t a)
{
    return (a + os_page_bytes() - 1) & ~(uintptr_t)(os_page_bytes() - 1);
}

static void walk_arena(struct arena *a, uintptr_t lo, uintptr_t hi, void *arg)
{
    struct walk *w = arg;
    w->kind = DIRTY_HEAP;
    w->lo = a->base;
    w->hi = a->base + ARENA_BYTES;
    if (!a->noscan)
        walk_chunks(w, lo, page_up(hi));
}

static void walk_region(uintptr_t lo, uintptr_t hi, void *arg)
{
    struct walk *w = arg;
    w->kind = DIRTY_STACK;
    w->lo = lo;
    w->hi = page_up(hi);
    walk_chunks(w, lo, w->hi);
}

/* A root that the kernel does not know any more was mapped anew by the program, perhaps as shared
 * memory, whose writes the kernel cannot tell: it is not registered again before the next cycle. */
static bool collect_root(uintptr_t lo, uintptr_t hi, void *arg)
{
    struct walk *w = arg;
    w->kind = DIRTY_ROOT;
    if (collect(w, &lo, hi) != 0)
        report(w, lo, hi);
    return true;
}

static bool arm_root(uintptr_t lo, uintptr_t hi, void *arg)
{
    struct walk *w = arg; /* of which nobody hears */
    return os_written_track((void *)lo, hi - lo) == 0 && collect(w, &lo, hi) == 0;
}

int dirty_arm(unsigned part, unsigned parts)
{
    struct walk w = {.part = part, .parts = parts};
    arena_each(walk_arena, &w);
    stack_each_region(walk_region, &w);
    if (part == 0) /* which says what is tracked: one thread's work */
        roots_each_large(ROOTS_ALL, 0, 1, arm_root, &w);
    return w.refused;
}

size_t dirty_collect(unsigned part, unsigned parts, bool stacks, dirty_fn fn, void *arg)
{
    struct walk w = {.part = part, .parts = parts, .fn = fn, .arg = arg};
    arena_each(walk_arena, &w);
    if (stacks)
        stack_each_region(walk_region, &w);
    roots_each_large(ROOTS_TRACKED, part, parts, collect_root, &w);
    return w.pages;
}

void mark_pages(enum dirty_kind kind, uintptr_t lo, uintptr_t hi, void *marker)
{
    struct marker *mk = marker;
    if (kind == DIRTY_HEAP)
        mark_written(mk, lo, hi);
    else if (kind == DIRTY_STACK)
        stacks_mark_written(mk, lo, hi);
    else
        mark_range(mk, (void *)lo, (void *)hi, ROOT_DATA);
}
