/* backlog.c: written pages that are looked at while the program runs only part of the time.
 *
 * Owns    the list of written pages that a program left which writes faster than marking looks again.
 * Holds   1. What is in the list was protected when it was listed: a later write is reported later.
 *         2. Entries below `next` are taken by somebody, who looks at them before the gang's run ends.
 *         3. No page of a root is in it: such a page is looked at when it is listed, for later it may be gone
 *            (gort_remove_roots).
 * Locks   none. The leader fills the list while nobody takes from it.
 *
 * Rounds beside the program shrink only while looking at a page takes less time than writing to one: a program
 * that stores all over a large heap never lets them end, and everything written in the last one would be
 * left to the last stop. Instead the world is stopped for a millisecond, and runs for one, in turns, until
 * the list is empty; what was written meanwhile is the next list, and it is shorter. The program
 * pays with time, in small pieces, instead of with one long stop.
 */
#include "gc/gc_int.h"

enum { ENTRIES_AT_ONCE = 8 };

struct entry {
    uintptr_t lo, hi;
    enum dirty_kind kind;
};

static struct {
    /* leader: */
    struct entry *entry;
    size_t cap, len;
    int64_t until_ns;
    /* atomic: */
    au64 next;
} list;

static void append(enum dirty_kind kind, uintptr_t lo, uintptr_t hi)
{
    if (list.len == list.cap) {
        size_t cap = list.cap == 0 ? 4096 : 2 * list.cap;
        struct entry *more =
            mem_table_grow(list.entry, list.cap * sizeof *more, cap * sizeof *more);
        if (more == NULL)
            throw("runtime: cannot allocate memory");
        list.entry = more;
        list.cap = cap;
    }
    list.entry[list.len++] = (struct entry){lo, hi, kind};
}

/* In pieces that take some microseconds each. */
static void on_written(enum dirty_kind kind, uintptr_t lo, uintptr_t hi, void *arg)
{
    size_t piece = 4 * os_page_bytes();
    if (kind == DIRTY_ROOT) { /* 3 */
        mark_pages(kind, lo, hi, arg);
        return;
    }
    for (; hi - lo > piece; lo += piece)
        append(kind, lo, lo + piece);
    append(kind, lo, hi);
}

size_t backlog_fill(bool stacks)
{
    list.len = 0;
    store_rlx(&list.next, (uint64_t)0);
    struct marker *mk = marker_take();
    size_t pages = dirty_collect(0, 1, stacks, on_written, mk);
    marker_put(mk);
    return pages;
}

static void work_off(unsigned i, unsigned n, void *arg)
{
    struct marker *mk = marker_take();
    (void)i;
    (void)n;
    (void)arg;
    while (load_rlx(&list.next) < list.len && os_nanotime() < list.until_ns) {
        uint64_t at = add_rlx(&list.next, (uint64_t)ENTRIES_AT_ONCE);
        for (uint64_t end = at + ENTRIES_AT_ONCE; at < end && at < list.len; at++)
            mark_pages(list.entry[at].kind, list.entry[at].lo, list.entry[at].hi, mk);
        while (mark_drain(mk, GC_SLICE_WORK) > 0 && os_nanotime() < list.until_ns)
            ;
    }
    while (load_rlx(&list.next) >= list.len && os_nanotime() < list.until_ns &&
           mark_drain(mk, GC_SLICE_WORK) > 0)
        ;
    marker_put(mk);
}

bool backlog_work_off(int64_t until_ns, unsigned n)
{
    list.until_ns = until_ns;
    gang_run(work_off, NULL, n);
    return load_rlx(&list.next) >= list.len && mark_quiet();
}
