/* A pipe without a reader is an error, not a death. */
#include <gort/go.h>
#include <gort/io.h>
#include <gort/panic.h>

#include <stdio.h>
#include <string.h>

static int start(int argc, char **argv)
{
    int p[2];
    (void)argc;
    (void)argv;
    if (gort_pipe(p) < 0)
        gort_panicf("pipe: %s", strerror(errno));
    gort_close(p[0]);
    ssize_t r = gort_write(p[1], "x", 1);
    printf("%zd %s\n", r, strerror(errno)); // expect: -1 Broken pipe
    return 0;
}

GORT_MAIN(start)
