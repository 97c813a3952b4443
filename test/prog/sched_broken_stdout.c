/* A program whose output nobody reads any more dies of it, quietly, as in C and as in Go. */
// signal: SIGPIPE
#include <gort.h>
#include <string.h>
#include <unistd.h>

static int run(int argc, char **argv)
{
    int p[2];
    (void)argc;
    (void)argv;
    if (pipe(p) != 0 || dup2(p[1], 1) < 0)
        return 1;
    close(p[0]);
    close(p[1]);
    gort_write(1, "x", 1);
    gort_panicf("write: %s", strerror(errno));
}
GORT_MAIN(run)
