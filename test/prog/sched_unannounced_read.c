/* A plain read of an empty pipe does not hold the only processor: its writer would never run. */
// env: GOMAXPROCS=1
// expect: read x, errno untouched: 1
#include <gort.h>
#include <stdio.h>
#include <unistd.h>

static int fds[2];

static void writer(void)
{
    gort_sleep(20 * 1000000);
    if (write(fds[1], "x", 1) != 1)
        perror("write");
}

static int run(int argc, char **argv)
{
    char c = '?';
    (void)argc;
    (void)argv;
    if (pipe(fds) != 0)
        return 1;
    gort_go(writer);
    errno = 0;
    if (read(fds[0], &c, 1) != 1)
        perror("read");
    printf("read %c, errno untouched: %d\n", c, errno == 0);
    return 0;
}
GORT_MAIN(run)
