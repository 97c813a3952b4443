/* vars.c: /debug/vars, as Go's expvar answers it: the command line, and MemStats under Go's names. */
#include "http_int.h"

#include <gort/mem.h>

#include <math.h>
#include <string.h>

static void command_line(struct text *t)
{
    struct text line = {0};
    bool first = true;
    (void)http_read_file(&line, "/proc/self/cmdline");
    text_add(t, "[");
    for (size_t i = 0; i < line.len;) {
        size_t n = strnlen(line.p + i, line.len - i);
        text_add(t, first ? "" : ",");
        text_json(t, line.p + i, n);
        first = false;
        i += n + 1;
    }
    text_add(t, "]");
    text_free(&line);
}

static void list(struct text *t, const char *name, const uint64_t *v, size_t n)
{
    text_printf(t, ",\"%s\":[", name);
    for (size_t i = 0; i < n; i++)
        text_printf(t, "%s%llu", i == 0 ? "" : ",", (unsigned long long)v[i]);
    text_add(t, "]");
}

#define NUMBERS(X)                                                                                 \
    X("Alloc", alloc)                                                                              \
    X("TotalAlloc", total_alloc)                                                                   \
    X("Sys", sys)                                                                                  \
    X("Lookups", lookups)                                                                          \
    X("Mallocs", mallocs)                                                                          \
    X("Frees", frees)                                                                              \
    X("HeapAlloc", heap_alloc)                                                                     \
    X("HeapSys", heap_sys)                                                                         \
    X("HeapIdle", heap_idle)                                                                       \
    X("HeapInuse", heap_inuse)                                                                     \
    X("HeapReleased", heap_released)                                                               \
    X("HeapObjects", heap_objects)                                                                 \
    X("StackInuse", stack_inuse)                                                                   \
    X("StackSys", stack_sys)                                                                       \
    X("MSpanInuse", mspan_inuse)                                                                   \
    X("MSpanSys", mspan_sys)                                                                       \
    X("MCacheInuse", mcache_inuse)                                                                 \
    X("MCacheSys", mcache_sys)                                                                     \
    X("BuckHashSys", buck_hash_sys)                                                                \
    X("GCSys", gc_sys)                                                                             \
    X("OtherSys", other_sys)                                                                       \
    X("NextGC", next_gc)                                                                           \
    X("LastGC", last_gc)                                                                           \
    X("PauseTotalNs", pause_total_ns)                                                              \
    X("NumGC", num_gc)                                                                             \
    X("NumForcedGC", num_forced_gc)

static void memory(struct text *t)
{
    gort_mem_stats m;
    gort_read_mem_stats(&m);
    text_printf(t, "{\"EnableGC\":%s,\"DebugGC\":%s", m.enable_gc ? "true" : "false",
                m.debug_gc ? "true" : "false");
#define NUMBER(name, field) text_printf(t, ",\"%s\":%llu", name, (unsigned long long)m.field);
    NUMBERS(NUMBER)
    text_add(t, ",\"GCCPUFraction\":");
    text_double(t, isfinite(m.gc_cpu_fraction) ? m.gc_cpu_fraction : 0);
    list(t, "PauseNs", m.pause_ns, sizeof m.pause_ns / sizeof m.pause_ns[0]);
    list(t, "PauseEnd", m.pause_end, sizeof m.pause_end / sizeof m.pause_end[0]);
    text_add(t, ",\"BySize\":[");
    for (size_t i = 0; i < sizeof m.by_size / sizeof m.by_size[0]; i++)
        text_printf(t, "%s{\"Size\":%u,\"Mallocs\":%llu,\"Frees\":%llu}", i == 0 ? "" : ",",
                    m.by_size[i].size, (unsigned long long)m.by_size[i].mallocs,
                    (unsigned long long)m.by_size[i].frees);
    text_add(t, "]}");
}

void http_vars(struct request *r)
{
    struct text *t = &r->answer.text;
    http_text(r, 200, "application/json; charset=utf-8");
    text_add(t, "{\n\"cmdline\": ");
    command_line(t);
    text_add(t, ",\n\"memstats\": ");
    memory(t);
    text_add(t, "\n}\n");
}
