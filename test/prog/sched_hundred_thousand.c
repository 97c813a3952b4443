/* A hundred thousand parked goroutines, each woken once. */
// expect: 100000 came back, 1 left
// limit: 60
// The emulator has no MADV_GUARD_INSTALL; guards by mprotect end where the kernel's count of mappings does.
// skip-on: arm64
// ThreadSanitizer keeps some fifty KiB for each goroutine.
// skip-on: tsan
#include <gort.h>
#include <stdio.h>

enum { N = 100000 };

static void wait_then_count(gort_chan *gate, gort_waitgroup *wg)
{
    gort_chan_recv(gate, NULL);
    gort_waitgroup_done(wg);
}

static int run(int argc, char **argv)
{
    static gort_waitgroup wg;
    gort_chan *gate = gort_make_chan(int, 0);
    (void)argc;
    (void)argv;
    gort_waitgroup_add(&wg, N);
    for (int i = 0; i < N; i++)
        gort_go(wait_then_count, gate, &wg);
    while (gort_num_goroutine() != N + 1)
        gort_gosched();
    gort_chan_close(gate);
    gort_waitgroup_wait(&wg);
    while (gort_num_goroutine() > 1)
        gort_gosched();
    printf("%d came back, %d left\n", N, gort_num_goroutine());
    return 0;
}
GORT_MAIN(run)
