/* gort/metrics.h: numbers about the running program, by name. Go: package runtime/metrics, as of go1.20. */
#ifndef GORT_METRICS_H
#define GORT_METRICS_H

#include <gort/base.h>

GORT_BEGIN_DECLS

typedef enum {
    GORT_METRIC_BAD, /* no metric has that name */
    GORT_METRIC_UINT64,
    GORT_METRIC_FLOAT64,
    GORT_METRIC_FLOAT64_HISTOGRAM,
} gort_metric_kind;

/* Go: metrics.Description. */
typedef struct {
    const char *name;
    const char *description;
    gort_metric_kind kind;
    bool cumulative;
} gort_metric_description;

/* counts[i] values were in [buckets[i], buckets[i + 1]). The bounds of one metric never change, and are not to be
 * written to. Go: metrics.Float64Histogram. */
typedef struct {
    uint64_t *counts; /* n of them */
    double *buckets;  /* n + 1; the first may be -inf, the last +inf */
    size_t n;
} gort_metric_histogram;

/* Go: metrics.Sample. */
typedef struct {
    const char *name; /* set by the caller */
    gort_metric_kind kind;
    union {
        uint64_t u64;
        double f64;
        gort_metric_histogram *histogram; /* on the collected heap; used again by the next read */
    } value;
} gort_metric_sample;

/* All metrics, sorted by name; *n of them. Go: metrics.All. */
GORT_API const gort_metric_description *gort_metrics_all(size_t *n);
/* Fills in kind and value of s[0, n); a name that nobody knows has the kind GORT_METRIC_BAD. Go: metrics.Read.
 *
 * s        zeroed, but for the names, before the first read: a sample that has a histogram keeps it, and it is filled
 *          anew. Samples with histograms lie where the collector looks: on a goroutine's stack, in static data, on its
 *          heap.
 * Waits    never; nothing is stopped for it.
 * Returns  with values that fit together: what is a sum of others is their sum, to the last bit, if they are read by
 *          one call.
 * Callers  any goroutine.
 */
GORT_API void gort_metrics_read(gort_metric_sample *s, size_t n);

GORT_END_DECLS

#endif
