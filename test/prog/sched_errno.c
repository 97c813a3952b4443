/* errno belongs to the goroutine, on whatever thread it goes on, also where the compiler would like
 * to keep its address. */
// expect: kept
// cflags: -O2
#include <gort.h>
#include <stdio.h>

static int bad;

static void check(int mine, gort_waitgroup *wg)
{
    for (int i = 0; i < 5000; i++) {
        errno = mine;
        gort_gosched();
        if (errno != mine)
            __atomic_add_fetch(&bad, 1, __ATOMIC_RELAXED);
    }
    gort_waitgroup_done(wg);
}

static int run(int argc, char **argv)
{
    static gort_waitgroup wg;
    (void)argc;
    (void)argv;
    gort_waitgroup_add(&wg, 20);
    for (int i = 1; i <= 20; i++)
        gort_go(check, i, &wg);
    gort_waitgroup_wait(&wg);
    puts(bad == 0 ? "kept" : "lost");
    return 0;
}
GORT_MAIN(run)
