/* rows.c: the C side of the benchmark: picks a row, warms it up, times it.
 *
 * Usage   rows ROW [SCALE]
 * Prints one line of JSON: time per operation, what the row measured by itself, peak resident
 * memory. Counts and warm-up are those of ../go/main.go.
 */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct row {
    const char *name;
    int64_t n;    /* operations at scale 1 */
    int64_t warm; /* operations before the clock starts, at scale 1 */
    void (*run)(int64_t n);
};

static const struct row rows[] = {
    {"spawn_million", 1000000, 100000, spawn_million},
    {"spawn_one", 1000000, 100000, spawn_one},
    {"spawn_batch", 1000000, 100000, spawn_batch},
    {"yield_2", 4000000, 400000, yield_2},
    {"yield_1000", 4000000, 400000, yield_1000},
    {"chan_rt", 1000000, 100000, chan_round_trip},
    {"chan_buf_1", 4000000, 400000, chan_buffered_1},
    {"chan_buf_4", 4000000, 400000, chan_buffered_4},
    {"select_default", 5000000, 500000, select_default},
    {"select_ready", 2000000, 200000, select_ready},
    {"select_block", 500000, 50000, select_block},
    {"mutex_free", 20000000, 2000000, mutex_free},
    {"mutex_2", 20000000, 2000000, mutex_2},
    {"mutex_64", 10000000, 1000000, mutex_64},
    {"wg_fan", 20000 * FAN_WIDTH, 2000 * FAN_WIDTH, waitgroup_fan},
    {"timer_stop", 1000000, 100000, timer_new_stop},
    {"timer_func_stop", 1000000, 100000, timer_func_stop},
    {"timer_reset", 2000000, 200000, timer_reset},
    {"timer_fire", 1000000, 10000, timer_fire},
    {"park_1e5", 100000, 0, park_many},
    {"park_1e6", 1000000, 0, park_many},
    {"frames_warm", 1000000, 100000, frames_warm},
    {"frames_cold", 8192, 0, frames_cold},
    {"stacks_10k", 10, 0, stacks_10k},
    {"skynet", 1000000, 10000, skynet},
    {"forkjoin_fib", 5 * FIB_SPAWNS, FIB_SPAWNS, forkjoin_fib},
    {"forkjoin_sort", 2000000, 200000, forkjoin_sort},
    {"trees", 1 << 20, 0, trees},
    {"gcbench", 1 << 18, 0, gcbench},
    {"heap_1g", 1 << 24, 0, heap_live},
    {"heap_park_1e5", 100000, 0, heap_parked},
    {"heap_park_1e6", 1000000, 0, heap_parked},
    {"heap_dirty", 1 << 16, 0, heap_dirty},
    {"heap_peak", 512, 0, heap_peak},
    {"chan_sampled", 1000000, 100000, chan_sampled},
    {"chan_profiled", 1000000, 100000, chan_profiled},
    {"mutex_sampled", 10000000, 1000000, mutex_sampled},
    {"mutex_profiled", 2000000, 200000, mutex_profiled},
    {"write_heap", 10, 0, write_heap},
    {"callers_8", 2000000, 20000, callers_8},
    {"callers_32", 1000000, 10000, callers_32},
    {"callers_100", 300000, 3000, callers_100},
    {"callers_cfi_32", 1000000, 10000, callers_cfi_32},
    {"metrics_read", 20000, 2000, metrics_read},
};

struct figures figures = {-1, -1};

static struct {
    const char *name;
    double value;
} more[16];
static size_t nmore;

void figure(const char *name, double value)
{
    check(nmore < sizeof more / sizeof *more, "too many figures");
    more[nmore].name = name;
    more[nmore++].value = value;
}

double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "rows: %s\n", what);
    exit(1);
}

int64_t status_kib(const char *key)
{
    FILE *f = fopen("/proc/self/status", "r");
    check(f != NULL, "no /proc/self/status");
    char line[256];
    int64_t kib = 0;
    while (fgets(line, sizeof line, f) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            kib = strtoll(line + strlen(key), NULL, 10);
    fclose(f);
    return kib;
}

static int64_t scaled(int64_t n, int64_t scale)
{
    return n / scale > 1 ? n / scale : 1;
}

static int run_row(const struct row *r, int64_t scale)
{
    int64_t n = scaled(r->n, scale);
    if (r->warm > 0)
        r->run(scaled(r->warm, scale));
    double cpu0 = cpu_ms();
    int64_t t0 = gort_nanotime();
    r->run(n);
    double ms = (double)(gort_nanotime() - t0) / 1e6, cpu = cpu_ms() - cpu0;
    if (figures.total_ms >= 0)
        ms = figures.total_ms;
    printf("{\"ns\":%.4f,\"total_ms\":%.4f,\"cpu_ms\":%.4f,", ms * 1e6 / (double)n, ms, cpu);
    for (size_t i = 0; i < nmore; i++)
        printf("\"%s\":%.4f,", more[i].name, more[i].value);
    if (figures.bytes_each >= 0)
        printf("\"bytes_each\":%.1f,", figures.bytes_each);
    printf("\"peak_kib\":%" PRId64 "}\n", status_kib("VmHWM:"));
    return 0;
}

static int bench(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    int64_t scale = argc > 2 ? strtoll(argv[2], NULL, 10) : 1;
    if (strcmp(name, "echo") == 0)
        return echo_serve();
    if (strcmp(name, "version") == 0)
        return puts(gort_version()) < 0;
    if (strncmp(name, "alloc_", 6) == 0 && scale > 0) {
        int64_t n = alloc_named(name);
        return n > 0 ? run_row(&(struct row){name, n, n / 10, alloc_objects}, scale) : 2;
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (strcmp(rows[i].name, name) == 0 && scale > 0)
            return run_row(&rows[i], scale);
    fprintf(stderr, "usage: rows ROW [SCALE]; no row named %s\n", name);
    return 2;
}

GORT_MAIN(bench)
