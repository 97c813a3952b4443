/* metrics.c: /metrics, with the names of Prometheus' Go collector.
 *
 * Owns    which numbers there are: those that the collector always has, all of <gort/metrics.h>, and the
 *         process's.
 * Holds   1. A name occurs once: those that are always there come first, and the others leave them out.
 */
#include "http_int.h"

#include <gort/debug.h>
#include <gort/go.h>
#include <gort/mem.h>
#include <gort/metrics.h>
#include <gort/prof.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void gauge(struct text *t, const char *name, const char *help, uint64_t v)
{
    prometheus_u64(t, name, "gauge", help, v);
}

static void counter(struct text *t, const char *name, const char *help, uint64_t v)
{
    prometheus_u64(t, name, "counter", help, v);
}

/* ---- what is always there */

static void pauses(struct text *t)
{
    static const char name[] = "go_gc_duration_seconds";
    static const char *const quantile[] = {"0", "0.25", "0.5", "0.75", "1"};
    int64_t q[5] = {0};
    gort_debug_gc_stats s;
    s.quantiles = q;
    s.nquantiles = 5;
    gort_debug_read_gc_stats(&s);
    prometheus_head(t, name, "summary",
                    "How long the world was stopped in each garbage collection.");
    for (size_t i = 0; i < 5; i++) {
        text_printf(t, "%s{quantile=\"%s\"} ", name, quantile[i]);
        text_double(t, (double)q[i] / 1e9);
        text_add(t, "\n");
    }
    text_printf(t, "%s_sum ", name);
    text_double(t, (double)s.pause_total_ns / 1e9);
    text_printf(t, "\n%s_count %lld\n", name, (long long)s.num_gc);
}

static void settings(struct text *t)
{
    int percent = gort_debug_gc_percent();
    gauge(t, "go_gc_gogc_percent", "By how much the heap may grow between collections (GOGC).",
          percent < 0 ? UINT64_MAX : (uint64_t)percent);
    gauge(t, "go_gc_gomemlimit_bytes", "The memory limit of the runtime (GOMEMLIMIT).",
          (uint64_t)gort_debug_set_memory_limit(-1));
    gauge(t, "go_sched_gomaxprocs_threads", "How many goroutines run at once (GOMAXPROCS).",
          (uint64_t)gort_gomaxprocs(0));
}

static void memory(struct text *t)
{
    gort_mem_stats m;
    gort_read_mem_stats(&m);
#define MEMORY(name, field, help) gauge(t, "go_memstats_" name, help, m.field);
    MEMORY("alloc_bytes", alloc, "Bytes of the heap that are allocated and in use.")
    MEMORY("sys_bytes", sys, "Bytes obtained from the system.")
    MEMORY("heap_alloc_bytes", heap_alloc, "Bytes of the heap that are allocated and in use.")
    MEMORY("heap_sys_bytes", heap_sys, "Bytes of the heap obtained from the system.")
    MEMORY("heap_idle_bytes", heap_idle, "Bytes of the heap that wait to be used.")
    MEMORY("heap_inuse_bytes", heap_inuse, "Bytes of the heap that are in use.")
    MEMORY("heap_released_bytes", heap_released,
           "Bytes of the heap that were given back to the system.")
    MEMORY("heap_objects", heap_objects, "Objects that are allocated and in use.")
    MEMORY("stack_inuse_bytes", stack_inuse, "Bytes of stacks in use.")
    MEMORY("stack_sys_bytes", stack_sys, "Bytes obtained from the system for stacks.")
    MEMORY("mspan_inuse_bytes", mspan_inuse, "Bytes of span structures in use.")
    MEMORY("mspan_sys_bytes", mspan_sys, "Bytes obtained from the system for span structures.")
    MEMORY("mcache_inuse_bytes", mcache_inuse, "Bytes of processors' caches in use.")
    MEMORY("mcache_sys_bytes", mcache_sys, "Bytes obtained from the system for processors' caches.")
    MEMORY("buck_hash_sys_bytes", buck_hash_sys, "Bytes used by the tables of profiles.")
    MEMORY("gc_sys_bytes", gc_sys, "Bytes used by what describes the heap for the collector.")
    MEMORY("other_sys_bytes", other_sys, "Bytes used by other tables of the runtime.")
    MEMORY("next_gc_bytes", next_gc, "The size of the heap that the next collection aims at.")
    counter(t, "go_memstats_alloc_bytes_total", "Bytes ever allocated on the heap.", m.total_alloc);
    counter(t, "go_memstats_mallocs_total", "Objects ever allocated, tiny ones included.",
            m.mallocs);
    counter(t, "go_memstats_frees_total", "Objects ever freed, tiny ones included.", m.frees);
    prometheus_double(t, "go_memstats_last_gc_time_seconds", "gauge",
                      "When the last collection ended, in seconds since 1970.",
                      (double)m.last_gc / 1e9);
}

static void always(struct text *t)
{
    int threads = 0;
    prometheus_head(t, "go_info", "gauge", "The runtime that the program runs on.");
    text_add(t, "go_info{version=\"");
    text_label(t, gort_version(), strlen(gort_version()));
    text_add(t, "\"} 1\n");
    gauge(t, "go_goroutines", "Goroutines that exist now.", (uint64_t)gort_num_goroutine());
    (void)gort_thread_create_profile(NULL, 0, &threads);
    gauge(t, "go_threads", "Threads of the operating system that were made.", (uint64_t)threads);
    pauses(t);
    settings(t);
    memory(t);
}

/* ---- what <gort/metrics.h> has */

static void name_of(struct text *t, const gort_metric_description *d)
{
    prometheus_name(t, d->name, d->cumulative && d->kind != GORT_METRIC_FLOAT64_HISTOGRAM);
    text_bytes(t, "", 1);
}

/* Is `name` there already? */
static bool known(const struct text *t, const char *name)
{
    struct text line = {0};
    text_printf(&line, "# TYPE %s ", name);
    bool found = !line.failed && memmem(t->p, t->len, line.p, line.len) != NULL;
    text_free(&line);
    return found;
}

static void help_of(struct text *t, const gort_metric_description *d)
{
    text_add(t, d->description);
    text_printf(t, " Sourced from %s.", d->name);
    text_bytes(t, "", 1);
}

/* The sum of all values where another metric knows it, else a bound from below, as the Go collector does. */
static double sum_of(const char *name, const double *bounds, const uint64_t *counts, size_t n)
{
    gort_metric_sample s[1] = {{.name = NULL}};
    double sum = 0;
    s[0].name = strcmp(name, "/gc/heap/allocs-by-size:bytes") == 0  ? "/gc/heap/allocs:bytes"
                : strcmp(name, "/gc/heap/frees-by-size:bytes") == 0 ? "/gc/heap/frees:bytes"
                                                                    : NULL;
    if (s[0].name != NULL) {
        gort_metrics_read(s, 1);
        if (s[0].kind == GORT_METRIC_UINT64)
            return (double)s[0].value.u64;
    }
    for (size_t i = 0; i < n; i++)
        if (counts[i] != 0 && isfinite(bounds[i]))
            sum += bounds[i] * (double)counts[i];
    return sum;
}

static void buckets(struct text *t, const char *name, const gort_metric_histogram *h,
                    const char *source, double *bounds, uint64_t *counts)
{
    const char *unit = strchr(source, ':');
    bool seconds = unit != NULL && strcmp(unit, ":seconds") == 0;
    bool bytes = unit != NULL && strcmp(unit, ":bytes") == 0;
    memcpy(bounds, h->buckets, (h->n + 1) * sizeof *bounds);
    size_t n = h->n + 1;
    if (seconds || bytes)
        n = prometheus_rebucket(bounds, n, seconds ? 10 : 2, seconds);
    for (size_t i = 0, j = 0; i < h->n; i++) {
        counts[j] += h->counts[i];
        if (j + 2 < n && h->buckets[i + 1] >= bounds[j + 1])
            j++;
    }
    uint64_t total = 0;
    for (size_t j = 0; j + 1 < n; j++) {
        total += counts[j];
        if (isinf(bounds[j + 1]))
            break;
        text_printf(t, "%s_bucket{le=\"", name);
        text_double(
            t, nextafter(bounds[j + 1], bounds[j])); /* a bound itself belongs to the next bucket */
        text_printf(t, "\"} %llu\n", (unsigned long long)total);
    }
    text_printf(t, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum ", name, (unsigned long long)total, name);
    text_double(t, sum_of(source, bounds, counts, n - 1));
    text_printf(t, "\n%s_count %llu\n", name, (unsigned long long)total);
}

static void histogram(struct text *t, const char *name, const char *help,
                      const gort_metric_sample *s)
{
    const gort_metric_histogram *h = s->value.histogram;
    double *bounds = calloc(h->n + 1, sizeof *bounds);
    uint64_t *counts = calloc(h->n + 1, sizeof *counts);
    if (bounds == NULL || counts == NULL) {
        t->failed = true;
    } else {
        prometheus_head(t, name, "histogram", help);
        buckets(t, name, h, s->name, bounds, counts);
    }
    free(bounds);
    free(counts);
}

static void one(struct text *t, const gort_metric_description *d, const gort_metric_sample *s)
{
    const char *type = d->cumulative ? "counter" : "gauge";
    struct text name = {0}, help = {0};
    name_of(&name, d);
    help_of(&help, d);
    if (name.failed || help.failed)
        t->failed = true;
    else if (known(t, name.p))
        ;
    else if (s->kind == GORT_METRIC_UINT64)
        prometheus_u64(t, name.p, type, help.p, s->value.u64);
    else if (s->kind == GORT_METRIC_FLOAT64)
        prometheus_double(t, name.p, type, help.p, s->value.f64);
    else if (s->kind == GORT_METRIC_FLOAT64_HISTOGRAM)
        histogram(t, name.p, help.p, s);
    text_free(&name);
    text_free(&help);
}

static void optional(struct text *t)
{
    size_t n;
    const gort_metric_description *d = gort_metrics_all(&n);
    gort_metric_sample *s =
        gort_new_array(gort_metric_sample, n); /* the collector finds histograms in it */
    for (size_t i = 0; i < n; i++)
        s[i].name = d[i].name;
    gort_metrics_read(s, n);
    for (size_t i = 0; i < n; i++)
        one(t, &d[i], &s[i]);
    gort_keep_alive(s);
}

void http_metrics(struct request *r)
{
    struct text *t = &r->answer.text;
    http_text(r, 200, "text/plain; version=0.0.4; charset=utf-8");
    always(t);
    optional(t);
    http_process_metrics(t);
    if (t->failed)
        http_error(r, 500, "out of memory");
}
