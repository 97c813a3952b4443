/* sieve.c: prime numbers out of a chain of goroutines, the oldest demonstration of channels.
 *
 *     sieve [COUNT]        prints the first COUNT (100) primes, one a line
 *
 * Each prime found gets a filter of its own, which passes on what its prime does not divide. A
 * number that comes out at the end is prime. Nobody says who runs when: the channels, which have no
 * buffer, do. The filters still wait when run() returns; they end with it.
 */
#include <gort.h>

#include <stdio.h>
#include <stdlib.h>

static void count_up(gort_chan *out)
{
    for (int n = 2;; n++)
        gort_chan_send(out, &n);
}

static void filter(gort_chan *in, gort_chan *out, int prime)
{
    for (int n; gort_chan_recv(in, &n);)
        if (n % prime != 0)
            gort_chan_send(out, &n);
}

static int run(int argc, char **argv)
{
    int count = argc > 1 ? atoi(argv[1]) : 100;
    gort_chan *end = gort_make_chan(int, 0);
    gort_go(count_up, end);
    for (int i = 0; i < count; i++) {
        int prime;
        gort_chan_recv(end, &prime);
        printf("%d\n", prime);
        gort_chan *next = gort_make_chan(int, 0);
        gort_go(filter, end, next, prime);
        end = next;
    }
    return 0;
}

GORT_MAIN(run)
