/* metrics.c: reading all metrics that go1.20 has. */
#include "rows.h"

#include <gort/metrics.h>

void metrics_read(int64_t n)
{
    enum { MOST = 64 };
    size_t count;
    const gort_metric_description *all = gort_metrics_all(&count);
    gort_metric_sample samples[MOST] = {{0}};
    for (size_t i = 0; i < count; i++)
        samples[i].name = all[i].name;
    for (int64_t i = 0; i < n; i++)
        gort_metrics_read(samples, count);
    check(samples[0].kind == GORT_METRIC_UINT64, "metrics are read");
}
