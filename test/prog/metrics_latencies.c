/* How long goroutines wait for a processor: one that others keep from it is seen; a million waits are estimated from
 * samples, each of which stands for those that were not looked at. */
// expect: seen
// env: GODEBUG=asyncpreemptoff=1
// env: GOMAXPROCS=1
// skip-on: tsan
#include "metrics.h"

#include <time.h>

enum { YIELDS = 500000 };
#define LATENCIES "/sched/latencies:seconds"

static struct metrics a, b;
static gort_waitgroup wg;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void nothing(void)
{
}

static uint64_t waits(const struct metrics *m, double least)
{
    return metric_count(metric_h(m, LATENCIES), least);
}

/* The only processor is ours for 50 ms, while the other goroutine could run. */
static void check_long(void)
{
    metrics_read_all(&a);
    gort_go(nothing);
    for (int64_t until = now_ns() + 50000000; now_ns() < until;)
        ;
    gort_gosched();
    metrics_read_all(&b);
    EXPECT(waits(&b, 0.033554432) >
           waits(&a, 0.033554432)); /* 2^25 ns: the lower bound of a bucket */
}

static void give_way(void)
{
    for (int i = 0; i < YIELDS; i++)
        gort_gosched();
    gort_waitgroup_done(&wg);
}

static void check_many(void)
{
    metrics_read_all(&a);
    gort_waitgroup_add(&wg, 2);
    gort_go(give_way);
    gort_go(give_way);
    gort_waitgroup_wait(&wg);
    metrics_read_all(&b);
    double seen = (double)(waits(&b, 0) - waits(&a, 0));
    EXPECT(seen > 0.6 * 2 * YIELDS && seen < 1.6 * 2 * YIELDS);
}

static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    check_long();
    check_many();
    if (metrics_broken == 0)
        printf("seen\n");
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
