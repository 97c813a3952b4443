/* trace.h: the execution tracer, as the rest of the house sees it. What it is told stands in the up.h of
 * sched and gc; what the program calls, in gort/trace.h. */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "base/attr.h"

struct m;
struct g;

/* samples.c: the CPU profiler's handler caught `g` (NULL: none) on `m` here. */
SIGSAFE void trace_cpu_sample(struct m *m, struct g *g, const uintptr_t *pcs, size_t n);

/* crash.c: the program dies, all others are stopped as far as that is possible: the flight recorder
 * leaves its file. Waits for nobody. */
void trace_crash(void);

#endif
