/* Sampling is fair: scaled up by the rate, the samples give what was allocated, of each size. */
// env: GODEBUG=memprofilerate=16384
// limit: 60
// expect: every estimate is near the truth
#include <gort.h>
#include <math.h>
#include <stdio.h>

static void *volatile keep;
static const int sizes[] = {16, 256, 4096, 65536};
enum { SIZES = sizeof sizes / sizeof sizes[0], TOTAL = 32 << 20 };

static void *allocate(int bytes)
{
    return bytes % 3 == 0 ? gort_alloc(bytes) : gort_alloc_noscan(bytes);
}

static double estimate(const gort_mem_profile_record *r)
{
    double bytes = (double)r->alloc_bytes / (double)r->alloc_objects;
    return (double)r->alloc_bytes / (1 - exp(-bytes / gort_mem_profile_rate));
}

static int run(int argc, char **argv)
{
    static gort_mem_profile_record r[1000];
    double sum[SIZES] = {0};
    int n, bad = 0;
    (void)argc;
    (void)argv;
    gort_gomaxprocs(1);
    for (long done[SIZES] = {0}, left = SIZES; left > 0;) { /* all sizes side by side */
        left = 0;
        for (int i = 0; i < SIZES; i++) {
            for (int k = 0; k < 65536 / sizes[i] && done[i] < TOTAL; k++, done[i] += sizes[i])
                keep = allocate(sizes[i]);
            left += done[i] < TOTAL;
        }
    }
    gort_gc();
    gort_gc();
    if (!gort_mem_profile(r, 1000, true, &n))
        return 1;
    for (int i = 0; i < n; i++)
        for (int k = 0; k < SIZES; k++)
            if (r[i].alloc_objects > 0 && r[i].alloc_bytes == r[i].alloc_objects * sizes[k])
                sum[k] += estimate(&r[i]);
    for (int k = 0; k < SIZES; k++) { /* 2048 samples, or 500 of the largest: 10 deviations off */
        if (sum[k] > 0.7 * TOTAL && sum[k] < 1.4 * TOTAL)
            continue;
        bad++;
        printf("%d bytes: %.0f of %d\n", sizes[k], sum[k], TOTAL);
    }
    if (bad == 0)
        printf("every estimate is near the truth\n");
    return 0;
}
GORT_MAIN(run)
