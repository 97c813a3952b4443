/* pipeline.c: contexts, select and time limits: a search that stops when it has an answer, or no
 * more time.
 *
 *     pipeline [MILLISECONDS]        for how long at most; 2000
 *
 * Several goroutines look for a number whose scrambled bits end in many zeros, each on its own
 * stretch of numbers. The first to find one sends it, and the context tells the others to stop. If
 * time runs out first, the same context says so. The search itself is a plain loop; between
 * stretches a closed channel ends it.
 */
#include <gort.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { STRETCH = 1 << 16, ZEROS = 22 };

/* Hands out the stretches until the context ends. */
static void number(gort_context *ctx, gort_chan *stretches)
{
    for (uint64_t first = 0; gort_context_err(ctx) == NULL; first += STRETCH) {
        gort_select_case cases[] = {GORT_SEND(stretches, &first),
                                    GORT_RECV(gort_context_done(ctx), NULL)};
        if (gort_select(cases, 2) == 1)
            break;
    }
    gort_chan_close(stretches);
}

static uint64_t mix(uint64_t x)
{
    for (int i = 0; i < 8; i++) {
        x = (x ^ (x >> 31)) * 0x9e3779b97f4a7c15u;
        x = (x ^ (x >> 29)) + (uint64_t)i;
    }
    return x;
}

static void search(gort_context *ctx, gort_chan *stretches, gort_chan *found, gort_waitgroup *left)
{
    uint64_t first;
    while (gort_chan_recv(stretches, &first)) {
        for (uint64_t n = first; n < first + STRETCH; n++) {
            if (mix(n) << (64 - ZEROS) != 0)
                continue;
            gort_select_case cases[] = {GORT_SEND(found, &n),
                                        GORT_RECV(gort_context_done(ctx), NULL)};
            gort_select(cases, 2); /* whoever is second finds nobody listening */
        }
    }
    gort_waitgroup_done(left);
}

static int run(int argc, char **argv)
{
    int64_t limit = argc > 1 ? atoll(argv[1]) : 2000;
    int searchers = 2 * gort_gomaxprocs(0);
    gort_context *ctx =
        gort_context_with_timeout(gort_context_background(), limit * GORT_MILLISECOND);
    gort_chan *stretches = gort_make_chan(uint64_t, 0), *found = gort_make_chan(uint64_t, 0);
    gort_waitgroup left = {0};
    gort_waitgroup_add(&left, searchers);
    gort_go(number, ctx, stretches);
    for (int i = 0; i < searchers; i++)
        gort_go(search, ctx, stretches, found, &left);

    uint64_t n;
    gort_select_case cases[] = {GORT_RECV(found, &n), GORT_RECV(gort_context_done(ctx), NULL)};
    bool won = gort_select(cases, 2) == 0;
    gort_context_cancel(ctx);
    gort_waitgroup_wait(&left);
    if (won)
        printf("found %" PRIu64 ": %016" PRIx64 "\n", n, mix(n));
    else
        printf("nothing: %s\n", gort_context_err(ctx));
    return won ? 0 : 1;
}

GORT_MAIN(run)
