// Panics are each goroutine's own: ten thousand stopped in a thousand goroutines.
// expect: 10000
// limit: 30
#include <gort.h>
#include <stdio.h>

typedef struct {
    int left;
} job;

static void fail(void *arg)
{
    job *j = arg;
    gort_gosched();
    gort_panic(gort_box(int, j->left));
}

static void work(gort_chan *results)
{
    int stopped = 0;
    job j;
    for (j.left = 10; j.left > 0; j.left--) {
        gort_any v;
        if (gort_try(fail, &j, &v) && gort_assert(v, int) == j.left)
            stopped++;
    }
    gort_chan_send(results, &stopped);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_chan *results = gort_make_chan(int, 0);
    int sum = 0;
    for (int i = 0; i < 1000; i++)
        gort_go(work, results);
    for (int i = 0; i < 1000; i++) {
        int n;
        gort_chan_recv(results, &n);
        sum += n;
    }
    printf("%d\n", sum);
    return 0;
}

GORT_MAIN(run)
