/* metrics.h: numbers about the running program; <gort/metrics.h> is their reader's side. */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

/* Before there are threads: computes the bounds of histograms. */
void metrics_init(void);

#endif
