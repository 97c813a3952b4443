/* metrics.h: what the programs about metrics share: all of them, read at once, and found by name. */
#ifndef TEST_PROG_METRICS_H
#define TEST_PROG_METRICS_H

#include <gort.h>
#include <gort/metrics.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { METRICS_MAX = 64 };
struct metrics {
    size_t n;
    gort_metric_sample s[METRICS_MAX];
};

/* `m` begins as zeros; its histograms stay where the collector finds them if it lies on a stack or is static. */
static inline void metrics_read_all(struct metrics *m)
{
    const gort_metric_description *all = gort_metrics_all(&m->n);
    for (size_t i = 0; i < m->n; i++)
        m->s[i].name = all[i].name;
    gort_metrics_read(m->s, m->n);
}

static inline const gort_metric_sample *metric(const struct metrics *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++)
        if (strcmp(m->s[i].name, name) == 0)
            return &m->s[i];
    printf("no metric %s\n", name);
    exit(1);
}

static inline uint64_t metric_u(const struct metrics *m, const char *name)
{
    return metric(m, name)->value.u64;
}

static inline double metric_f(const struct metrics *m, const char *name)
{
    return metric(m, name)->value.f64;
}

static inline const gort_metric_histogram *metric_h(const struct metrics *m, const char *name)
{
    return metric(m, name)->value.histogram;
}

/* How many were at least `least`, which is the lower bound of a bucket. */
static inline uint64_t metric_count(const gort_metric_histogram *h, double least)
{
    uint64_t n = 0;
    for (size_t i = 0; i < h->n; i++)
        if (h->buckets[i] >= least)
            n += h->counts[i];
    return n;
}

static int metrics_broken;
#define EXPECT(x)                                                                                  \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            metrics_broken++;                                                                      \
            printf("line %d: %s\n", __LINE__, #x);                                                 \
        }                                                                                          \
    } while (0)

#endif
