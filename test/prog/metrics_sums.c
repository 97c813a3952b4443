/* What adds up does so in every read, to the last bit, while goroutines allocate, collect, fight for a mutex and change
 * GOMAXPROCS; what is cumulative never shrinks; buckets stay where they are. */
// expect: all sums hold
// limit: 60
#include "metrics.h"

#include <math.h>

enum { WRITERS = 4, READS = 300 };
static int stop;
static void *volatile keep[WRITERS][64];
static gort_mutex mu;
static gort_waitgroup wg;

static void use(int me)
{
    for (unsigned i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        size_t bytes = i % 50 == 0 ? 40000 : 1 + i * 7919 % 3000;
        keep[me][i % 64] =
            i % 3 == 0 ? gort_alloc_noscan(i % 5 == 0 ? 3 : bytes) : gort_alloc(bytes);
        gort_mutex_lock(&mu);
        if (i % 16 == 0)
            gort_gosched();
        gort_mutex_unlock(&mu);
        if (i % 2000 == 0)
            gort_gc();
        if (i % 3001 == 0)
            gort_gomaxprocs(1 + me % 3);
    }
    gort_waitgroup_done(&wg);
}

#define U(name) metric_u(m, name)
#define F(name) metric_f(m, name)

static void check_memory(const struct metrics *m)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < m->n; i++)
        if (strncmp(m->s[i].name, "/memory/classes/", 16) == 0 &&
            strcmp(m->s[i].name, "/memory/classes/total:bytes") != 0)
            sum += m->s[i].value.u64;
    EXPECT(sum == U("/memory/classes/total:bytes"));
    for (size_t i = 0; i < m->n; i++)
        if (strncmp(m->s[i].name, "/memory/classes/", 16) == 0)
            EXPECT(m->s[i].value.u64 <= sum); /* none is below nothing */
    EXPECT(U("/memory/classes/heap/objects:bytes") ==
           U("/gc/heap/allocs:bytes") - U("/gc/heap/frees:bytes"));
    EXPECT(U("/gc/heap/objects:objects") ==
           U("/gc/heap/allocs:objects") - U("/gc/heap/frees:objects"));
    EXPECT(U("/memory/classes/heap/stacks:bytes") > 0);
    EXPECT(U("/memory/classes/metadata/mcache/inuse:bytes") > 0);
}

static void check_cpu(const struct metrics *m)
{
    double gc = F("/cpu/classes/gc/mark/assist:cpu-seconds") +
                F("/cpu/classes/gc/mark/dedicated:cpu-seconds") +
                F("/cpu/classes/gc/mark/idle:cpu-seconds") + F("/cpu/classes/gc/pause:cpu-seconds");
    double scavenge = F("/cpu/classes/scavenge/assist:cpu-seconds") +
                      F("/cpu/classes/scavenge/background:cpu-seconds");
    EXPECT(gc == F("/cpu/classes/gc/total:cpu-seconds"));
    EXPECT(scavenge == F("/cpu/classes/scavenge/total:cpu-seconds"));
    EXPECT(gc + F("/cpu/classes/idle:cpu-seconds") + scavenge +
               F("/cpu/classes/user:cpu-seconds") ==
           F("/cpu/classes/total:cpu-seconds"));
}

static void check_sizes(const struct metrics *m)
{
    const gort_metric_histogram *a = metric_h(m, "/gc/heap/allocs-by-size:bytes"),
                                *f = metric_h(m, "/gc/heap/frees-by-size:bytes");
    uint64_t allocs = 0, frees = 0;
    EXPECT(a->n == 68 && f->n == 68 && a->buckets == f->buckets);
    EXPECT(a->buckets[0] == 1 && a->buckets[1] == 9 && a->buckets[2] == 17 && a->buckets[3] == 25);
    EXPECT(a->buckets[67] == 32769 && isinf(a->buckets[68]));
    for (size_t i = 0; i < a->n; i++) {
        EXPECT(a->buckets[i] < a->buckets[i + 1]);
        EXPECT(a->counts[i] >= f->counts[i]);
        allocs += a->counts[i];
        frees += f->counts[i];
    }
    EXPECT(allocs == U("/gc/heap/allocs:objects") && frees == U("/gc/heap/frees:objects"));
}

static void check_times(const struct metrics *m, const char *name)
{
    const gort_metric_histogram *h = metric_h(m, name);
    EXPECT(h->n == 162 && isinf(h->buckets[0]) && h->buckets[0] < 0 && isinf(h->buckets[162]));
    EXPECT(h->buckets[1] == 0 && h->buckets[2] == 64e-9 && h->buckets[5] == 256e-9);
    EXPECT(h->buckets[161] == (double)(UINT64_C(1) << 47) / 1e9);
    EXPECT(h->counts[0] == 0);
    for (size_t i = 0; i < h->n; i++)
        EXPECT(h->buckets[i] < h->buckets[i + 1]);
}

static void check_growth(const struct metrics *old, const struct metrics *m)
{
    size_t n;
    const gort_metric_description *all = gort_metrics_all(&n);
    for (size_t i = 0; i < n; i++) {
        if (!all[i].cumulative)
            continue;
        bool grew = true;
        if (all[i].kind == GORT_METRIC_UINT64)
            grew = m->s[i].value.u64 >= old->s[i].value.u64;
        else if (all[i].kind == GORT_METRIC_FLOAT64)
            grew = m->s[i].value.f64 >= old->s[i].value.f64;
        else
            for (size_t k = 0; k < m->s[i].value.histogram->n; k++)
                grew = grew &&
                       m->s[i].value.histogram->counts[k] >= old->s[i].value.histogram->counts[k];
        if (!grew)
            metrics_broken++, printf("%s shrank\n", all[i].name);
    }
    EXPECT(U("/gc/cycles/total:gc-cycles") ==
           U("/gc/cycles/automatic:gc-cycles") + U("/gc/cycles/forced:gc-cycles"));
}

static struct metrics two[2];

static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_waitgroup_add(&wg, WRITERS);
    for (int i = 0; i < WRITERS; i++)
        gort_go(use, i);
    const struct metrics *m = &two[0];
    for (int r = 0; (r < READS || U("/gc/cycles/total:gc-cycles") < 10) && metrics_broken < 20;
         r++) {
        metrics_read_all(&two[r % 2]);
        m = &two[r % 2];
        check_memory(m);
        check_cpu(m);
        check_sizes(m);
        check_times(m, "/gc/pauses:seconds");
        check_times(m, "/sched/latencies:seconds");
        if (r > 0)
            check_growth(&two[(r + 1) % 2], m);
        gort_gosched();
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    gort_waitgroup_wait(&wg);
    const void *histogram = metric_h(m, "/gc/pauses:seconds");
    const void *buckets = metric_h(m, "/gc/pauses:seconds")->buckets;
    metrics_read_all((struct metrics *)m);
    EXPECT(metric_h(m, "/gc/pauses:seconds") == histogram);
    EXPECT(metric_h(m, "/sched/latencies:seconds")->buckets == buckets);
    EXPECT(metric_count(metric_h(m, "/gc/pauses:seconds"), 0) >= U("/gc/cycles/total:gc-cycles"));
    EXPECT(F("/cpu/classes/gc/total:cpu-seconds") > 0 && F("/cpu/classes/user:cpu-seconds") > 0);
    EXPECT(F("/sync/mutex/wait/total:seconds") > 0);
    if (metrics_broken == 0)
        printf("all sums hold\n");
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
