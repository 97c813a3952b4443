/* The names of go1.20, all of them, in their order, with their kinds. */
// expect: u C /cgo/go-to-c-calls:calls
// expect: f C /cpu/classes/gc/mark/assist:cpu-seconds
// expect: f C /cpu/classes/gc/mark/dedicated:cpu-seconds
// expect: f C /cpu/classes/gc/mark/idle:cpu-seconds
// expect: f C /cpu/classes/gc/pause:cpu-seconds
// expect: f C /cpu/classes/gc/total:cpu-seconds
// expect: f C /cpu/classes/idle:cpu-seconds
// expect: f C /cpu/classes/scavenge/assist:cpu-seconds
// expect: f C /cpu/classes/scavenge/background:cpu-seconds
// expect: f C /cpu/classes/scavenge/total:cpu-seconds
// expect: f C /cpu/classes/total:cpu-seconds
// expect: f C /cpu/classes/user:cpu-seconds
// expect: u C /gc/cycles/automatic:gc-cycles
// expect: u C /gc/cycles/forced:gc-cycles
// expect: u C /gc/cycles/total:gc-cycles
// expect: h C /gc/heap/allocs-by-size:bytes
// expect: u C /gc/heap/allocs:bytes
// expect: u C /gc/heap/allocs:objects
// expect: h C /gc/heap/frees-by-size:bytes
// expect: u C /gc/heap/frees:bytes
// expect: u C /gc/heap/frees:objects
// expect: u - /gc/heap/goal:bytes
// expect: u - /gc/heap/objects:objects
// expect: u C /gc/heap/tiny/allocs:objects
// expect: u - /gc/limiter/last-enabled:gc-cycle
// expect: h C /gc/pauses:seconds
// expect: u - /gc/stack/starting-size:bytes
// expect: u - /memory/classes/heap/free:bytes
// expect: u - /memory/classes/heap/objects:bytes
// expect: u - /memory/classes/heap/released:bytes
// expect: u - /memory/classes/heap/stacks:bytes
// expect: u - /memory/classes/heap/unused:bytes
// expect: u - /memory/classes/metadata/mcache/free:bytes
// expect: u - /memory/classes/metadata/mcache/inuse:bytes
// expect: u - /memory/classes/metadata/mspan/free:bytes
// expect: u - /memory/classes/metadata/mspan/inuse:bytes
// expect: u - /memory/classes/metadata/other:bytes
// expect: u - /memory/classes/os-stacks:bytes
// expect: u - /memory/classes/other:bytes
// expect: u - /memory/classes/profiling/buckets:bytes
// expect: u - /memory/classes/total:bytes
// expect: u - /sched/gomaxprocs:threads
// expect: u - /sched/goroutines:goroutines
// expect: h - /sched/latencies:seconds
// expect: f C /sync/mutex/wait/total:seconds
// expect: 45 names, every one read with its kind; of nobody: bad
#include <gort.h>
#include <gort/metrics.h>
#include <stdio.h>

static int program(int argc, char **argv)
{
    size_t n;
    gort_metric_sample s[64] = {{0}};
    const gort_metric_description *all = gort_metrics_all(&n);
    (void)argc;
    (void)argv;
    for (size_t i = 0; i < n; i++) {
        printf("%c %c %s\n", "?ufh"[all[i].kind], all[i].cumulative ? 'C' : '-', all[i].name);
        s[i].name = all[i].name;
        if (all[i].description == NULL || all[i].description[0] == '\0')
            printf("no description\n");
    }
    s[n].name = "/gc/cycles/total:gc-cycle"; /* nearly */
    s[n].kind = GORT_METRIC_UINT64;
    s[n + 1].name = NULL;
    gort_metrics_read(s, n + 2);
    for (size_t i = 0; i < n; i++)
        if (s[i].kind != all[i].kind)
            printf("%s was read as %d\n", s[i].name, s[i].kind);
    printf("%d names, every one read with its kind; of nobody: %s\n", (int)n,
           s[n].kind == GORT_METRIC_BAD && s[n + 1].kind == GORT_METRIC_BAD ? "bad" : "good");
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
