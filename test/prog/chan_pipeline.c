/* chan_pipeline.c: the prime sieve: a chain of goroutines, each filtering what it passes on. */
#include <gort/chan.h>
#include <gort/go.h>
#include <stdio.h>

static void generate(gort_chan *out)
{
    for (int i = 2;; i++)
        gort_chan_send(out, &i);
}

static void filter(gort_chan *in, gort_chan *out, int prime)
{
    int i;
    while (gort_chan_recv(in, &i))
        if (i % prime != 0)
            gort_chan_send(out, &i);
}

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_chan *c = gort_make_chan(int, 0);
    gort_go(generate, c);
    for (int i = 0; i < 100; i++) {
        int prime;
        gort_chan_recv(c, &prime);
        if (i % 25 == 24)
            printf("%d\n", prime);
        gort_chan *next = gort_make_chan(int, 0);
        gort_go(filter, c, next, prime);
        c = next;
    }
    return 0;
}
GORT_MAIN(start)
// expect: 97
// expect: 229
// expect: 379
// expect: 541
