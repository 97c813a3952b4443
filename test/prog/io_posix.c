/* Code that knows nothing of gort: libc's names park the goroutine when libgort_posix is linked. */
// link: -l:libgort_posix.a
// env: GOMAXPROCS=1
// no-fault: send fcntl
#include <gort/go.h>
#include <gort/io.h>
#include <gort/panic.h>
#include <gort/time.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static atomic_int done, asleep;

static void echo(int fd)
{
    char b[16];
    ssize_t n;
    while ((n = read(fd, b, sizeof b)) > 0)
        write(fd, b, (size_t)n);
    close(fd);
    done++;
}

static void sleeper(void)
{
    usleep(20000);
    done++;
}

static void sleep_for_ever(void)
{
    asleep++;
    sleep(1000000);
}

static int start(int argc, char **argv)
{
    char b[16];
    int s[2], one = 1;
    (void)argc;
    (void)argv;
    socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    gort_go(echo, s[0]);
    for (int i = 0; i < 1000; i++)
        if (write(s[1], "ping", 4) != 4 || read(s[1], b, sizeof b) != 4)
            gort_panicf("round %d: %s", i, strerror(errno));
    struct pollfd p = {s[1], POLLIN, 0};
    printf("poll %d\n", poll(&p, 1, 5)); // expect: poll 0
    ioctl(s[1], FIONBIO, &one);
    ssize_t r = read(s[1], b, sizeof b);
    printf("non-blocking: %zd %s\n", r,
           strerror(errno)); // expect: non-blocking: -1 Resource temporarily unavailable
    printf("flag %d\n", (fcntl(s[1], F_GETFL) & O_NONBLOCK) != 0); // expect: flag 1
    close(s[1]);
    for (int i = 0; i < 1000; i++) {
        gort_go(sleeper);
        gort_go(sleep_for_ever);
    }
    while (done < 1001 || asleep < 1000)
        usleep(1000);
    printf("slept together\n"); // expect: slept together
    return 0;
}

GORT_MAIN(start)
