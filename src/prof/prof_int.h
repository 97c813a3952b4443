/* prof_int.h: what the files of this room share. */
#ifndef PROF_PROF_INT_H
#define PROF_PROF_INT_H

#include "base/attr.h"

#include <gort/pprof.h>

/* ---- encode.c: profile.proto, written as it comes */
struct pprof_column {
    const char *type, *unit;
};
struct pprof_head {
    struct pprof_column columns[4];
    size_t ncolumns;
    struct pprof_column period;
    int64_t period_value;
    const char *default_column; /* NULL: the last */
    int64_t time_ns;            /* since 1970 */
    int64_t duration_ns;        /* 0: not said */
};
struct pprof; /* one profile that is being written; outside the collected heap */
struct pprof *pprof_begin(const struct pprof_head *h);
/* One sample: `pcs` are return addresses, the innermost first. `bytes` > 0 becomes the numeric label. */
void pprof_sample(struct pprof *w, const uintptr_t *pcs, size_t n, const int64_t *values,
                  const gort_pprof_labels *labels, int64_t bytes);
/* The same for a place that has no pc, such as `runtime._GC`. */
void pprof_sample_named(struct pprof *w, const char *function, const int64_t *values);
/* Names, mappings, gzip; frees w. 0, or -errno of a write. Takes long: outside the runtime (no m_enter). */
int pprof_end(struct pprof *w, int fd);

/* ---- count.c: goroutine, threadcreate and the program's own, in all three formats */
struct prof_stack {
    uintptr_t *pcs;
    size_t n;
    const gort_pprof_labels *labels;
};
/* Merges equal ones, the most frequent first. 0 or -errno. */
int prof_write_counts(const char *name, struct prof_stack *s, size_t n, int fd, int debug);

/* ---- labels.c: those of a goroutine, for whoever samples it; NULL: none. The running goroutine's may be
 * read in a signal handler on its thread. */
struct g;
SIGSAFE const gort_pprof_labels *prof_labels_of(const struct g *g);

/* ---- goroutine.c, threads.c */
int prof_write_goroutines(int fd, int debug);
int prof_write_threads(int fd, int debug);

#endif
