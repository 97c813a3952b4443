/* A pool under the collector: one collection leaves its items, two do not. */
// skip-on: hostile
// expect: 1: item
// expect: 2: nothing
#include <gort.h>

#include <stdio.h>

static gort_pool pool;

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_gomaxprocs(1);
    gort_pool_put(&pool, gort_alloc(100));
    gort_gc();
    void *item = gort_pool_get(&pool);
    printf("1: %s\n", item != NULL ? "item" : "nothing");
    gort_pool_put(&pool, item);
    gort_gc();
    gort_gc();
    printf("2: %s\n", gort_pool_get(&pool) != NULL ? "item" : "nothing");
    return 0;
}

GORT_MAIN(run)
