/* rows.h: the rows of the benchmark, grouped under the file that holds them. Each is the same
 * program as its namesake in ../go and does `n` operations. */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include <gort.h>
#include <inttypes.h>

enum { FAN_WIDTH = 64, FIB_SPAWNS = 121392 };

/* What a row measured by itself; negative: nothing. */
struct figures {
    double total_ms;
    double bytes_each;
};
extern struct figures figures;

/* ---- alloc.c */
/* Sets what alloc_objects allocates, by a row's name: alloc_SIZE, then _ptr, then _off. Returns how many
 * make a measurement; 0: no such row. */
int64_t alloc_named(const char *name);
void alloc_objects(int64_t n);

/* ---- trees.c */
void trees(int64_t n);
void gcbench(int64_t n);

/* ---- heap.c */
void heap_live(int64_t n);
void heap_parked(int64_t n);
void heap_dirty(int64_t n);
void heap_peak(int64_t n);

/* ---- rows.c */
void check(bool ok, const char *what);
/* A line of /proc/self/status, in KiB. */
int64_t status_kib(const char *key);
/* Prints one more value at the end. */
void figure(const char *name, double value);
/* CPU time of the process so far. */
double cpu_ms(void);

/* ---- spawn.c */
void spawn_million(int64_t n);
void spawn_one(int64_t n);
void spawn_batch(int64_t n);
void yield_2(int64_t n);
void yield_1000(int64_t n);
void park_many(int64_t n);

/* ---- metrics.c */
void metrics_read(int64_t n);
/* ---- names.c */
void frames_warm(int64_t n);
void frames_cold(int64_t n);
void stacks_10k(int64_t n);

/* ---- chans.c */
void chan_round_trip(int64_t n);
void chan_buffered_1(int64_t n);
void chan_buffered_4(int64_t n);
void select_default(int64_t n);
void select_ready(int64_t n);
void select_block(int64_t n);
void skynet(int64_t n);

/* ---- syncs.c */
void mutex_free(int64_t n);
void mutex_2(int64_t n);
void mutex_64(int64_t n);
void waitgroup_fan(int64_t n);
void timer_new_stop(int64_t n);
void timer_func_stop(int64_t n);
void timer_reset(int64_t n);
void timer_fire(int64_t n);

/* ---- compute.c */
void forkjoin_fib(int64_t n);
void forkjoin_sort(int64_t n);

/* ---- profiles.c */
void chan_sampled(int64_t n);
void chan_profiled(int64_t n);
void mutex_sampled(int64_t n);
void mutex_profiled(int64_t n);
void write_heap(int64_t n);

/* ---- callers.c */
void callers_8(int64_t n);
void callers_32(int64_t n);
void callers_100(int64_t n);
void callers_cfi_32(int64_t n);

/* ---- echo.c */
int echo_serve(void);

#endif
