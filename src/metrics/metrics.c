/* metrics.c: numbers about the running program, by name.
 *
 * Owns    gort_metrics_all and gort_metrics_read; metrics.def has the names.
 * Holds   1. the names are sorted (test/prog/metrics_all.c).
 *         2. all values of one read that are made from the same group are of the same moment, so that sums hold;
 *            a group that nobody asks for is not looked at.
 *         3. the bounds of a histogram never change: all of one kind share an array.
 * Locks   none. Nothing is stopped: who is inside keeps the world from being stopped, and so the counters that
 *         are only changed then.
 */
#include "metrics/metrics.h"

#include "gc/gc.h"
#include "sched/sched.h"

#include <gort/go.h>
#include <gort/metrics.h>

#include <math.h>
#include <string.h>

/* What metrics are made from. */
enum group { GROUP_NOTHING = 0, GROUP_HEAP = 1, GROUP_CPU = 2, GROUP_CYCLES = 4 };

struct snapshot {
    unsigned have; /* bits of enum group */
    struct gc_heap heap;
    struct gc_cpu cpu;
    uint64_t cycles, forced;
};

static void need(struct snapshot *s, enum group g)
{
    unsigned missing = (unsigned)g & ~s->have;
    if (missing & GROUP_HEAP)
        gc_read_heap(&s->heap);
    if (missing & GROUP_CPU)
        gc_cpu_read(&s->cpu);
    if (missing & GROUP_CYCLES)
        gc_read_cycles(&s->cycles, &s->forced);
    s->have |= missing;
}

/* ---- arithmetic */
static double seconds(int64_t ns)
{
    return (double)ns / 1e9;
}

/* In the order of names, so that a reader who adds up what he reads gets the same bits. */
static double gc_seconds(const struct snapshot *s)
{
    return seconds(s->cpu.ns[CPU_ASSIST]) + seconds(s->cpu.ns[CPU_DEDICATED]) +
           seconds(s->cpu.ns[CPU_IDLE]) + seconds(s->cpu.ns[CPU_PAUSE]);
}

static double scavenge_seconds(const struct snapshot *s)
{
    return seconds(s->cpu.ns[CPU_SCAVENGE_ASSIST]) + seconds(s->cpu.ns[CPU_SCAVENGE_BACKGROUND]);
}

static double cpu_seconds(const struct snapshot *s)
{
    return gc_seconds(s) + seconds(s->cpu.idle_ns) + scavenge_seconds(s) + seconds(s->cpu.user_ns);
}

static uint64_t alive_bytes(const struct snapshot *s)
{
    return s->heap.allocated_bytes - s->heap.freed_bytes;
}

static uint64_t memory_bytes(const struct snapshot *s)
{
    uint64_t bytes = s->heap.usage.heap_sys + s->heap.stack_bytes;
    for (int i = 0; i < SYS_COUNT; i++)
        bytes += s->heap.usage.sys[i];
    return bytes;
}

/* ---- histograms */
enum { TIME_COUNTS = TIMEHIST_COUNTS + 2 };
static double time_bounds[TIME_COUNTS + 1];
static double size_bounds[CLASSES + 1];

void metrics_init(void)
{
    time_bounds[0] = -INFINITY;
    for (unsigned i = 0; i <= TIMEHIST_COUNTS; i++)
        time_bounds[i + 1] = (double)timehist_bound_ns(i) / 1e9;
    time_bounds[TIME_COUNTS] = INFINITY;
    for (unsigned c = 0; c < CLASSES; c++)
        size_bounds[c] = class_bytes[c] + 1; /* the class above begins where this one ends */
    size_bounds[CLASSES] = INFINITY;
}

/* The histogram of `v` with room for n counts, made where there is none that fits. */
static gort_metric_histogram *room_for(gort_metric_sample *v, size_t n, double *bounds)
{
    gort_metric_histogram *h = v->kind == GORT_METRIC_FLOAT64_HISTOGRAM ? v->value.histogram : NULL;
    if (h == NULL)
        h = gc_alloc(sizeof *h, OBJ_CONSERVATIVE);
    if (h->counts == NULL || h->n != n)
        h->counts = gc_alloc(n * sizeof h->counts[0], OBJ_NOSCAN);
    h->n = n;
    h->buckets = bounds;
    v->value.histogram = h;
    return h;
}

static void fill_times(gort_metric_sample *v, struct timehist *from)
{
    gort_metric_histogram *h = room_for(v, TIME_COUNTS, time_bounds);
    h->counts[0] = load_rlx(&from->underflow);
    for (unsigned i = 0; i < TIMEHIST_COUNTS; i++)
        h->counts[i + 1] = load_rlx(&from->counts[i]);
    h->counts[TIME_COUNTS - 1] = load_rlx(&from->overflow);
}

/* n[0] counts large objects, which come last. */
static void fill_sizes(gort_metric_sample *v, const uint64_t n[CLASSES])
{
    gort_metric_histogram *h = room_for(v, CLASSES, size_bounds);
    memcpy(h->counts, n + 1, (CLASSES - 1) * sizeof n[0]);
    h->counts[CLASSES - 1] = n[0];
}

enum histogram { HISTOGRAM_ALLOCS, HISTOGRAM_FREES, HISTOGRAM_PAUSES, HISTOGRAM_LATENCIES };

static void fill_histogram(gort_metric_sample *v, enum histogram which, const struct snapshot *s)
{
    switch (which) {
    case HISTOGRAM_ALLOCS:
        fill_sizes(v, s->heap.usage.taken);
        break;
    case HISTOGRAM_FREES:
        fill_sizes(v, s->heap.freed);
        break;
    case HISTOGRAM_PAUSES:
        fill_times(v, &gc_pause_times);
        break;
    case HISTOGRAM_LATENCIES:
        fill_times(v, &sched_latencies);
        break;
    }
}

/* ---- the table */
enum metric {
#define METRIC(name, kind, cumulative, text, group, value) METRIC_AT_(__LINE__),
#define METRIC_AT_(line)                                   METRIC_PASTE_(line)
#define METRIC_PASTE_(line)                                METRIC_##line
#include "metrics/metrics.def"
#undef METRIC
    METRICS
};

static const gort_metric_description descriptions[] = {
#define METRIC(name, kind, cumulative, text, group, value)                                         \
    {name, text, GORT_METRIC_##kind, cumulative},
#include "metrics/metrics.def"
#undef METRIC
};

static const uint8_t groups[] = {
#define METRIC(name, kind, cumulative, text, group, value) GROUP_##group,
#include "metrics/metrics.def"
#undef METRIC
};

#define FILL_UINT64(v, x, s)            ((v)->value.u64 = (x))
#define FILL_FLOAT64(v, x, s)           ((v)->value.f64 = (x))
#define FILL_FLOAT64_HISTOGRAM(v, x, s) fill_histogram((v), (x), (s))

static void fill(gort_metric_sample *v, enum metric which, const struct snapshot *s)
{
    switch (which) {
#define METRIC(name, kind, cumulative, text, group, value)                                         \
    case METRIC_AT_(__LINE__):                                                                     \
        FILL_##kind(v, value, s);                                                                  \
        break;
#include "metrics/metrics.def"
#undef METRIC
    case METRICS:
        break;
    }
    v->kind = descriptions[which].kind;
}

/* `guess` may be any: who asks for several mostly has them in our order, and often our own texts. */
static enum metric find(const char *name, unsigned guess)
{
    unsigned lo = 0, hi = METRICS;
    if (name == NULL)
        return METRICS;
    if (guess < METRICS && name == descriptions[guess].name)
        return (enum metric)guess;
    for (unsigned mid = guess < METRICS ? guess : METRICS / 2; lo < hi; mid = (lo + hi) / 2) {
        int order = strcmp(name, descriptions[mid].name);
        if (order == 0)
            return (enum metric)mid;
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return METRICS;
}

const gort_metric_description *gort_metrics_all(size_t *n)
{
    *n = METRICS;
    return descriptions;
}

void gort_metrics_read(gort_metric_sample *samples, size_t n)
{
    struct snapshot s;
    unsigned guess = 0;
    s.have = 0;
    m_enter();
    for (size_t i = 0; i < n; i++) {
        enum metric which = find(samples[i].name, guess);
        guess = which + 1u;
        if (which == METRICS) {
            samples[i].kind = GORT_METRIC_BAD;
            continue;
        }
        need(&s, groups[which]);
        fill(&samples[i], which, &s);
    }
    m_leave(self());
}
