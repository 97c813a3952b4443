/* context_program.c: workers that end when they are told to. */
#include <gort/context.h>
#include <gort/go.h>
#include <gort/time.h>
#include <stdio.h>

static gort_chan *ended;

static void worker(gort_context *ctx)
{
    gort_chan_recv(gort_context_done(ctx), NULL);
    gort_chan_send(ended, &(const char *){gort_context_err(ctx)});
}

static int start(int argc, char **argv)
{
    const char *why;
    (void)argc;
    (void)argv;
    ended = gort_make_chan(uintptr_t, 0);
    gort_context *top = gort_context_with_cancel(gort_context_background());
    gort_context *soon = gort_context_with_timeout(top, 5 * GORT_MILLISECOND);
    gort_go(worker, top);
    gort_go(worker, soon);
    gort_chan_recv(ended, &why);
    printf("%s\n", why);
    gort_context_cancel(top);
    gort_chan_recv(ended, &why);
    printf("%s\n", why);
    return 0;
}
GORT_MAIN(start)
// expect: context deadline exceeded
// expect: context canceled
