/* trace.c: what GODEBUG=gctrace=1 and gcpacertrace=1 print.
 *
 * Owns    the texts, which are Go's to the letter: tools read them. The line that names the way of
 *         collecting is ours: Go has one way only.
 * Locks   none. A line is written in one piece.
 */
#include "gc/gc_int.h"

#include "base/fmt.h"
#include "conf/conf.h"

/* Seconds with three decimals, cut off. */
static void out_seconds(struct out *o, int64_t ns)
{
    int64_t ms = ns / 1000000;
    out_int(o, ms / 1000);
    out_char(o, '.');
    out_char(o, (char)('0' + ms / 100 % 10));
    out_char(o, (char)('0' + ms / 10 % 10));
    out_char(o, (char)('0' + ms % 10));
}

static void out_mb(struct out *o, uint64_t bytes)
{
    out_uint(o, bytes >> 20);
}

static void out_ms_and(struct out *o, int64_t ns, const char *text)
{
    out_ms(o, ns);
    out_str(o, text);
}

static void out_mb_and(struct out *o, uint64_t bytes, const char *text)
{
    out_mb(o, bytes);
    out_str(o, text);
}

void gc_trace_way(enum gc_way way)
{
    static enum gc_way said = WAY_AUTO; /* the leader's */
    static const char *const name[] = {
        [WAY_DIRTY] = "dirty pages",
        [WAY_SNAPSHOT] = "snapshot",
        [WAY_STOPPED] = "stopped",
    };
    if (way == said)
        return;
    said = way;
    print("gc way: %s\n", name[way]);
}

void gc_trace_print(const struct gc_trace *t)
{
    struct out o;
    out_init_fd(&o, 2);
    out_str(&o, "gc ");
    out_uint(&o, t->cycle);
    out_str(&o, " @");
    out_seconds(&o, t->at_ns);
    out_str(&o, "s ");
    out_int(&o, (int64_t)(t->fraction * 100));
    out_str(&o, "%: ");
    out_ms_and(&o, t->stop1_ns, "+");
    out_ms_and(&o, t->mark_ns, "+");
    out_ms_and(&o, t->stop2_ns, " ms clock, ");
    out_ms_and(&o, t->stop1_cpu_ns, "+");
    out_ms_and(&o, t->assist_ns, "/");
    out_ms_and(&o, t->worker_ns, "/");
    out_ms_and(&o, t->idle_ns, "+");
    out_ms_and(&o, t->stop2_cpu_ns, " ms cpu, ");
    out_mb_and(&o, t->live_start, "->");
    out_mb_and(&o, t->live_end, "->");
    out_mb_and(&o, t->marked, " MB, ");
    out_mb_and(&o, t->goal, " MB goal, ");
    out_mb_and(&o, t->stacks, " MB stacks, ");
    out_mb_and(&o, t->globals, " MB globals, ");
    out_uint(&o, t->procs);
    out_str(&o, t->forced ? " P (forced)\n" : " P\n");
    out_flush(&o);
}

void trace_pacer_start(double ratio, uint64_t scan_bytes, uint64_t live, uint64_t goal,
                       uint32_t procs)
{
    struct out o;
    double fraction;
    if (knobs.gcpacertrace <= 0)
        return;
    unsigned workers = pacer_workers(procs, &fraction);
    out_init_fd(&o, 2);
    out_str(&o, "pacer: assist ratio=");
    out_float(&o, ratio);
    out_str(&o, " (scan ");
    out_mb_and(&o, scan_bytes, " MB in ");
    out_mb_and(&o, live, "->");
    out_mb_and(&o, goal, " MB) workers=");
    out_uint(&o, workers);
    out_char(&o, '+');
    out_float(&o, fraction);
    out_char(&o, '\n');
    out_flush(&o);
}

void trace_pacer_end(const struct trace_pacer *t)
{
    struct out o;
    if (knobs.gcpacertrace <= 0)
        return;
    out_init_fd(&o, 2);
    out_str(&o, "pacer: ");
    out_int(&o, (int64_t)(t->utilization * 100));
    out_str(&o, "% CPU (25 exp.) for ");
    out_uint(&o, t->heap_scan);
    out_char(&o, '+');
    out_uint(&o, t->stack_scan);
    out_char(&o, '+');
    out_uint(&o, t->globals_scan);
    out_str(&o, " B work (");
    out_uint(&o, t->expected);
    out_str(&o, " B exp.) in ");
    out_uint(&o, t->triggered);
    out_str(&o, " B -> ");
    out_uint(&o, t->live);
    out_str(&o, " B (\u2206goal ");
    out_int(&o, (int64_t)(t->live - t->goal));
    out_str(&o, ", cons/mark ");
    out_float(&o, t->cons_mark);
    out_str(&o, ")\n");
    out_flush(&o);
}
