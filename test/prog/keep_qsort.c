/* qsort of an array that holds the only pointers to objects, beside collections. */
// env: GODEBUG=clobberfree=1
// env: GOMAXPROCS=2
// expect: sorted, all kept
// limit: 60
#include "keep.h"
#include <stdlib.h>

enum { ENTRIES = 20000, TIMES = 6 };

static _Atomic int stop;

static void churn(gort_chan *done)
{
    while (!stop) {
        for (int i = 0; i < 1000; i++)
            memset(gort_alloc(sizeof(secret)), 0x55, sizeof(secret));
        gort_gc();
    }
    gort_chan_send(done, &(int){1});
}

static int by_text(const void *a, const void *b)
{
    return strcmp((*(secret *const *)a)->text, (*(secret *const *)b)->text);
}

static int by_text_backwards(const void *a, const void *b)
{
    return by_text(b, a);
}

static int run(int argc, char **argv)
{
    gort_chan *done = gort_make_chan(int, 0);
    secret **all = gort_alloc(ENTRIES * sizeof *all);
    int bad = 0;
    (void)argc;
    (void)argv;
    for (int i = 0; i < ENTRIES; i++)
        all[i] = secret_new(gort_sprintf("%05d", (int)((long)i * 7919 % ENTRIES)));
    gort_go(churn, done);
    for (int i = 0; i < TIMES; i++)
        qsort(all, ENTRIES, sizeof *all, i % 2 == 0 ? by_text_backwards : by_text);
    stop = 1;
    gort_chan_recv(done, NULL);
    for (int i = 0; i < ENTRIES; i++)
        bad += atoi(all[i]->text) != i;
    if (bad == 0)
        puts("sorted, all kept");
    else
        printf("%d LOST\n", bad);
    return 0;
}
GORT_MAIN(run)
