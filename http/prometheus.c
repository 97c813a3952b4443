/* prometheus.c: the text format of /metrics, and what its names and buckets are made from.
 *
 * Owns    lines of the exposition format, names of Go's metrics as Prometheus' Go collector spells them, and
 *         coarser buckets.
 */
#include "http_int.h"

#include <math.h>
#include <string.h>

void prometheus_head(struct text *t, const char *name, const char *type, const char *help)
{
    text_printf(t, "# HELP %s ", name);
    for (const char *p = help; *p != 0; p++) {
        if (*p == '\n')
            text_add(t, "\\n");
        else if (*p == '\\')
            text_add(t, "\\\\");
        else
            text_bytes(t, p, 1);
    }
    text_printf(t, "\n# TYPE %s %s\n", name, type);
}

void prometheus_u64(struct text *t, const char *name, const char *type, const char *help,
                    uint64_t v)
{
    prometheus_head(t, name, type, help);
    text_printf(t, "%s %llu\n", name, (unsigned long long)v);
}

void prometheus_double(struct text *t, const char *name, const char *type, const char *help,
                       double v)
{
    prometheus_head(t, name, type, help);
    text_printf(t, "%s ", name);
    text_double(t, v);
    text_add(t, "\n");
}

/* ---- names */

void prometheus_name(struct text *t, const char *name, bool total)
{
    bool unit = false;
    text_add(t, "go");
    for (const char *p = name; *p != 0; p++) {
        bool letter =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (letter)
            text_bytes(t, p, 1);
        else
            text_add(t, unit && *p == '/' ? "_per_" : "_");
        unit = unit || *p == ':';
    }
    if (total)
        text_add(t, "_total");
}

/* ---- buckets */

size_t prometheus_rebucket(double *bounds, size_t n, double base, bool to_one)
{
    size_t kept = n > 0 && isinf(bounds[0]) ? 1 : 0;
    if (n - kept < 2)
        return n;
    double low = bounds[kept];
    for (size_t i = kept + 1; i < n; i++) {
        double next = low >= 0 ? low * base : low / base;
        if (bounds[i] < next)
            continue;
        bounds[kept++] = low;
        low = bounds[i];
    }
    bounds[kept++] = low;
    for (size_t i = 0; to_one && i < kept; i++)
        if (bounds[i] > 1) {
            bounds[i] = (double)INFINITY;
            return i + 1;
        }
    return kept;
}
