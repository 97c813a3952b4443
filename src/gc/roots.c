/* roots.c: memory that holds pointers into the heap without being found by itself.
 *
 * Owns    the table of ranges that the program added. (The other roots need no table: stacks belong
 *         to goroutines, data segments to modules.)
 * Holds   1. len <= cap; entries [0, len) are the ranges added and not removed, in any order.
 * Locks   `lock`, rank persist: nothing but memory for the table is asked for under it.
 */
#include "gc/gc.h"

#include <gort/mem.h>

#include "base/check.h"
#include "sched/sched.h"

struct range {
    void *lo;
    size_t bytes;
};

static struct {
    struct lock lock; /* rank persist */
    /* lock: */
    struct range *range;
    size_t len, cap;
} roots = {.lock = LOCK_INIT(persist)};

static void roots_reserve(void) REQUIRES(roots.lock)
{
    if (roots.len < roots.cap)
        return;
    size_t cap = roots.cap == 0 ? 256 : roots.cap * 2;
    struct range *bigger =
        mem_table_grow(roots.range, roots.cap * sizeof *bigger, cap * sizeof *bigger);
    if (bigger == NULL)
        throw("runtime: cannot allocate memory");
    roots.range = bigger;
    roots.cap = cap;
}

void gort_add_roots(void *p, size_t bytes)
{
    struct m *m = m_enter();
    lock(&roots.lock);
    roots_reserve();
    roots.range[roots.len++] = (struct range){p, bytes};
    unlock(&roots.lock);
    m_leave(m);
}

static bool roots_drop(void *p, size_t bytes) REQUIRES(roots.lock)
{
    for (size_t i = roots.len; i-- > 0;) { /* the newest first: most lives are short */
        if (roots.range[i].lo == p && roots.range[i].bytes == bytes) {
            roots.range[i] = roots.range[--roots.len];
            return true;
        }
    }
    return false;
}

bool gort_remove_roots(void *p, size_t bytes)
{
    struct m *m = m_enter();
    lock(&roots.lock);
    bool found = roots_drop(p, bytes);
    unlock(&roots.lock);
    m_leave(m);
    return found;
}

void roots_each(void (*fn)(void *lo, size_t bytes, void *arg), void *arg)
{
    lock(&roots.lock);
    for (size_t i = 0; i < roots.len; i++)
        fn(roots.range[i].lo, roots.range[i].bytes, arg);
    unlock(&roots.lock);
}
