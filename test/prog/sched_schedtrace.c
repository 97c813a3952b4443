/* GODEBUG=schedtrace: the program passes its own stderr on until there were some lines. Its own
 * death is told where stderr was before. */
// env: GOMAXPROCS=2
// env: GODEBUG=schedtrace=10
// expect-re: ^SCHED [0-9]+ms: gomaxprocs=2 idleprocs=[0-9] threads=[0-9]+ spinningthreads=[0-9] needspinning=[01] idlethreads=[0-9]+ runqueue=[0-9]+ \[[0-9]+ [0-9]+\]$
// expect-re: ^SCHED [1-9][0-9]*ms: gomaxprocs=2
#include <gort.h>
#include <gort/debug.h>
#include <unistd.h>

static int run(int argc, char **argv)
{
    static char text[4096];
    int p[2], lines = 0;
    (void)argc;
    (void)argv;
    if (gort_debug_set_crash_output(2) != 0 || pipe(p) != 0 || dup2(p[1], 2) != 2)
        return 1;
    while (lines < 3) {
        ssize_t n = read(p[0], text, sizeof text);
        if (n <= 0 || write(1, text, (size_t)n) != n)
            return 1;
        for (ssize_t i = 0; i < n; i++)
            lines += text[i] == '\n';
    }
    return 0;
}
GORT_MAIN(run)
