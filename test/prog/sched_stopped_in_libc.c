/* Goroutines are stopped inside pthread_create and malloc, holding locks that the making of the
 * runtime's own threads needs. */
// env: GOMAXPROCS=1
// Under ThreadSanitizer no signal stops a goroutine (docs/internals/sanitizers.md).
// skip-on: tsan
// expect: done
// limit: 60
#include <gort.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static volatile int stop;

static void *nothing(void *arg)
{
    return arg;
}

static void make_threads(gort_waitgroup *wg)
{
    while (!stop) {
        pthread_t t;
        if (pthread_create(&t, NULL, nothing, NULL) == 0)
            pthread_join(t, NULL);
    }
    gort_waitgroup_done(wg);
}

static void allocate(gort_waitgroup *wg)
{
    while (!stop)
        for (int i = 1; i < 100; i++)
            free(malloc((size_t)i * 1000));
    gort_waitgroup_done(wg);
}

static void compute(gort_waitgroup *wg)
{
    while (!stop)
        ;
    gort_waitgroup_done(wg);
}

static int run(int argc, char **argv)
{
    static gort_waitgroup wg;
    (void)argc;
    (void)argv;
    gort_waitgroup_add(&wg, 8);
    for (int i = 0; i < 2; i++) {
        gort_go(make_threads, &wg);
        gort_go(make_threads, &wg);
        gort_go(allocate, &wg);
        gort_go(compute, &wg);
    }
    gort_sleep(INT64_C(2000000000));
    stop = 1;
    gort_waitgroup_wait(&wg);
    puts("done");
    return 0;
}
GORT_MAIN(run)
