/* Pre-emption inside malloc and stdio, whose locks the stopped thread may hold. */
// env: GOMAXPROCS=2
// Under ThreadSanitizer no signal stops a goroutine (docs/internals/sanitizers.md).
// skip-on: tsan
// expect: all done
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WORKERS = 8 };
static volatile int stop;

static void work(FILE *null, gort_waitgroup *wg)
{
    while (!stop) {
        char *p = malloc(5000);
        memset(p, 1, 5000);
        fprintf(null, "%d %s\n", 12345, "text");
        free(p);
    }
    gort_waitgroup_done(wg);
}

static int run(int argc, char **argv)
{
    static gort_waitgroup wg;
    FILE *null = fopen("/dev/null", "w");
    (void)argc;
    (void)argv;
    gort_waitgroup_add(&wg, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        gort_go(work, null, &wg);
    gort_sleep(400 * 1000000);
    stop = 1;
    gort_waitgroup_wait(&wg);
    fclose(null);
    puts("all done");
    return 0;
}
GORT_MAIN(run)
