/* A program that computes on goroutines, for a profiler that walks frame pointers. */
#include <gort.h>

static volatile unsigned long total;

__attribute__((noipa)) void round_is_over(void)
{
    total++;
}

/* Not a leaf: gcc leaves the frame pointer out of functions that call nobody, whatever its options say, and then perf
 * misses their callers. */
__attribute__((noipa)) void innermost(unsigned long n)
{
    for (unsigned long i = 0; i < n; i++)
        total += i * i;
    round_is_over();
}

__attribute__((noipa)) void middle(unsigned long n)
{
    innermost(n);
    total++;
}

static void outermost(gort_waitgroup *wg)
{
    for (int i = 0; i < 200; i++) {
        middle(1000 * 1000);
        gort_gosched();
    }
    gort_waitgroup_done(wg);
}

static int run(int argc, char **argv)
{
    static gort_waitgroup wg;
    (void)argc, (void)argv;
    gort_waitgroup_add(&wg, 4);
    for (int i = 0; i < 4; i++)
        gort_go(outermost, &wg);
    gort_waitgroup_wait(&wg);
    return 0;
}

GORT_MAIN(run)
