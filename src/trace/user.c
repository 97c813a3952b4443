/* user.c: tasks, regions and messages: what the program itself says in a trace.
 *
 * Owns    the numbers of tasks; g->trace.regions.
 * Holds   1. An end of a region is written only if it fits the innermost one that the trace knows to be open:
 *            a reader refuses the whole trace otherwise. Of those that lie deeper than g->trace.regions
 *            nothing is written.
 */
#include "trace/trace_int.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static au64 last_task;

static uint32_t text_number(const char *s)
{
    size_t len = s != NULL ? strlen(s) : 0;
    return tables_string(tables_now, s != NULL ? s : "", len);
}

/* Inside, if a trace is made. */
static struct m *begin(void)
{
    if (likely(!probe_on(PROBE_TRACE)))
        return NULL;
    struct m *m = m_enter();
    if (probe_on(PROBE_TRACE))
        return m;
    m_leave(m);
    return NULL;
}

gort_trace_task gort_trace_task_begin(gort_trace_task parent, const char *name)
{
    gort_trace_task t = {add_rlx(&last_task, (uint64_t)1) + 1};
    struct m *m = begin();
    if (m == NULL)
        return t;
    uint32_t text = text_number(name);
    struct trace_m *tm = trace_running(m);
    uint32_t stack = stack_here(m);
    uint8_t *at = put_number(event(tm, EV_TASK_BEGIN), t.id);
    at = put_number(at, parent.id);
    event_done(tm, put_number(put_number(at, text), stack));
    m_leave(m);
    return t;
}

void gort_trace_task_end(gort_trace_task t)
{
    struct m *m = begin();
    if (m == NULL)
        return;
    event2(trace_running(m), EV_TASK_END, t.id, stack_here(m));
    m_leave(m);
}

static uint32_t region_hash(gort_trace_task t, const char *name)
{
    uint64_t h = t.id * 0x9E3779B97F4A7C15ULL + 1;
    for (const char *s = name != NULL ? name : ""; *s != '\0'; s++)
        h = (h ^ (uint8_t)*s) * 0x100000001B3ULL;
    return (uint32_t)(h >> 32 ^ h);
}

void gort_trace_region_begin(gort_trace_task t, const char *name)
{
    struct m *m = begin();
    if (m == NULL)
        return;
    struct g *g = m_curg(m);
    uint32_t depth = g->trace.nregions;
    if (depth < UINT16_MAX)
        g->trace.nregions++;
    if (depth < ARRAY_LEN(g->trace.regions)) {
        g->trace.regions[depth] = region_hash(t, name);
        uint32_t text = text_number(name);
        event3(trace_running(m), EV_REGION_BEGIN, t.id, text, stack_here(m));
    }
    m_leave(m);
}

/* Does it fit the innermost open one (1)? One that was begun before the trace has none. */
static bool close_region(struct g *g, uint32_t hash)
{
    uint32_t n = g->trace.nregions;
    if (n == 0)
        return true;
    if (n > ARRAY_LEN(g->trace.regions)) {
        g->trace.nregions--;
        return false;
    }
    if (g->trace.regions[n - 1] != hash)
        return false;
    g->trace.nregions--;
    return true;
}

void gort_trace_region_end(gort_trace_task t, const char *name)
{
    struct m *m = begin();
    if (m == NULL)
        return;
    if (close_region(m_curg(m), region_hash(t, name))) {
        uint32_t text = text_number(name);
        event3(trace_running(m), EV_REGION_END, t.id, text, stack_here(m));
    }
    m_leave(m);
}

void gort_trace_with_region(gort_trace_task t, const char *name, void (*fn)(void *arg), void *arg)
{
    gort_trace_region_begin(t, name);
    fn(arg);
    gort_trace_region_end(t, name);
}

void gort_trace_log(gort_trace_task t, const char *category, const char *message)
{
    struct m *m = begin();
    if (m == NULL)
        return;
    uint32_t key = text_number(category), value = text_number(message);
    struct trace_m *tm = trace_running(m);
    uint32_t stack = stack_here(m);
    uint8_t *at = put_number(event(tm, EV_LOG), t.id);
    event_done(tm, put_number(put_number(put_number(at, key), value), stack));
    m_leave(m);
}

void gort_trace_logf(gort_trace_task t, const char *category, const char *format, ...)
{
    char text[STRING_BYTES_MAX + 1];
    va_list args;
    if (likely(!probe_on(PROBE_TRACE)))
        return;
    va_start(args, format);
    if (vsnprintf(text, sizeof text, format, args) < 0)
        text[0] = '\0';
    va_end(args);
    gort_trace_log(t, category, text);
}
