/* debug.c: the collector's part of Go's runtime/debug.
 *
 * Owns    the settings that a program changes while it runs, and GCStats.
 * Locks   none of its own.
 */
#include "gc/gc_int.h"

#include <gort/debug.h>

#include "conf/conf.h"

#include <string.h>

int gort_debug_set_gc_percent(int percent)
{
    m_enter();
    int old = pacer_set_percent(percent);
    if (percent < 0)
        assist_await_mark_end();
    m_leave(self());
    return old;
}

int gort_debug_gc_percent(void)
{
    m_enter();
    int percent = pacer_percent();
    m_leave(self());
    return percent;
}

int64_t gort_debug_set_memory_limit(int64_t bytes)
{
    m_enter();
    uint64_t old = bytes < 0 ? pacer_limit() : pacer_set_limit((uint64_t)bytes);
    m_leave(self());
    return (int64_t)old;
}

void gort_debug_free_os_memory(void)
{
    m_enter();
    gc_collect();
    (void)scavenge_forced();
    m_leave(self());
}

size_t gort_debug_set_max_stack(size_t bytes)
{
    return (size_t)swap_seq(&conf_max_stack, (uint64_t)bytes);
}

/* ---- GCStats */
/* Insertion: at most 256. */
static void sort(int64_t *v, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        int64_t x = v[i];
        size_t at = i;
        for (; at > 0 && v[at - 1] > x; at--)
            v[at] = v[at - 1];
        v[at] = x;
    }
}

/* The smallest, what lies between in equal steps, the largest. */
static void fill_quantiles(const gort_debug_gc_stats *s)
{
    int64_t sorted[ARRAY_LEN(s->pause_ns)];
    size_t n = s->npauses, k = s->nquantiles;
    if (k == 0)
        return;
    memset(s->quantiles, 0, k * sizeof s->quantiles[0]);
    if (n == 0)
        return;
    memcpy(sorted, s->pause_ns, n * sizeof sorted[0]);
    sort(sorted, n);
    for (size_t i = 0; i + 1 < k; i++)
        s->quantiles[i] = sorted[n * i / (k - 1)];
    s->quantiles[k - 1] = sorted[n - 1];
}

static void fill_pauses(gort_debug_gc_stats *s)
{
    const struct gc_pauses *p = &gc_pauses;
    size_t ring = ARRAY_LEN(p->pause_ns);
    s->num_gc = p->num_gc;
    s->last_gc = (int64_t)p->last_gc;
    s->pause_total_ns = (int64_t)p->pause_total_ns;
    s->longest_stop_ns = (int64_t)p->longest_ns;
    s->npauses = p->num_gc < ring ? p->num_gc : ring;
    for (size_t i = 0; i < s->npauses; i++) {
        size_t at = (p->num_gc - 1 - i) % ring;
        s->pause_ns[i] = (int64_t)p->pause_ns[at];
        s->pause_end[i] = (int64_t)p->pause_end[at];
    }
}

void gort_debug_read_gc_stats(gort_debug_gc_stats *stats)
{
    m_enter(); /* the world does not stop meanwhile */
    fill_pauses(stats);
    m_leave(self());
    fill_quantiles(stats);
}
