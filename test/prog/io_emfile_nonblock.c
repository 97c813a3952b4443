/* The program's own pipe, non-blocking, is first used when no descriptor is left for the poller: the read says
 * so, and waits once there are some again. */
#include <gort.h>
#include <gort/io.h>
#include <gort/panic.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static gort_chan *done;

static void write_later(int fd)
{
    for (int i = 0; i < 10; i++)
        gort_gosched();
    if (gort_write(fd, "z", 1) != 1)
        gort_panicf("write: %s", strerror(errno));
    gort_chan_close(done);
}

static int run(int argc, char **argv)
{
    struct rlimit limit = {32, 32};
    int p[2], fd, last = -1;
    char c = 0;
    (void)argc;
    (void)argv;
    done = gort_make_chan(int, 0);
    if (pipe(p) != 0 || fcntl(p[0], F_SETFL, O_NONBLOCK) != 0)
        gort_panicf("pipe: %s", strerror(errno));
    setrlimit(RLIMIT_NOFILE, &limit);
    while ((fd = dup(0)) >= 0)
        last = fd;
    ssize_t n = gort_read(p[0], &c, 1);
    printf("%zd %s\n", n, strerror(errno)); // expect: -1 Too many open files
    for (int i = 0; i < 8; i++)
        close(last - i);
    gort_go(write_later, p[1]);
    n = gort_read(p[0], &c, 1);
    printf("%zd %c\n", n, c); // expect: 1 z
    gort_chan_recv(done, NULL);
    return 0;
}
GORT_MAIN(run)
