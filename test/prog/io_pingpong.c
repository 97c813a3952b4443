/* Two goroutines pass a byte to and fro, over a socket pair, a pipe and loopback TCP. */
// no-fault: accept send
#include <gort/chan.h>
#include <gort/go.h>
#include <gort/io.h>
#include <gort/time.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static void echo(int in, int out)
{
    char c;
    while (gort_read(in, &c, 1) == 1)
        gort_write(out, &c, 1);
    gort_close(in);
    if (out != in)
        gort_close(out);
}

static int play(int in, int out, int rounds)
{
    for (int i = 0; i < rounds; i++) {
        char c = (char)i, back = 0;
        if (gort_write(out, &c, 1) != 1 || gort_read(in, &back, 1) != 1 || back != c) {
            printf("round %d: %s\n", i, strerror(errno));
            return i;
        }
    }
    return rounds;
}

static void pairs(void)
{
    int s[2];
    gort_socketpair(AF_UNIX, SOCK_STREAM, 0, s);
    gort_go(echo, s[0], s[0]);
    printf("socketpair %d\n", play(s[1], s[1], 10000)); // expect: socketpair 10000
    gort_close(s[1]);
    int there[2], back[2];
    gort_pipe(there);
    gort_pipe(back);
    gort_go(echo, there[0], back[1]);
    printf("pipes %d\n", play(back[0], there[1], 10000)); // expect: pipes 10000
    gort_close(there[1]);
    char c;
    printf("end %zd\n", gort_read(back[0], &c, 1)); // expect: end 0
}

static gort_chan *served;

static void serve(int listener)
{
    int fd;
    while ((fd = gort_accept(listener, NULL, NULL)) >= 0)
        gort_go(echo, fd, fd);
    printf("accept: %s\n", strerror(errno));
    gort_chan_close(served);
}

static void tcp(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int listener = gort_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind(listener, (struct sockaddr *)&a, sizeof a);
    gort_listen(listener, 16);
    getsockname(listener, (struct sockaddr *)&a, &len);
    served = gort_make_chan(int, 0);
    gort_go(serve, listener);
    int fd = gort_socket(AF_INET, SOCK_STREAM, 0);
    int r = gort_connect(fd, (struct sockaddr *)&a, sizeof a);
    printf("connect %d, rounds %d\n", r, play(fd, fd, 10000)); // expect: connect 0, rounds 10000
    gort_close(fd);
    gort_sleep(20000000);
    gort_close(listener); // expect: accept: Bad file descriptor
    gort_chan_recv(served, NULL);
    fd = gort_socket(AF_INET, SOCK_STREAM, 0);
    r = gort_connect(fd, (struct sockaddr *)&a, sizeof a);
    printf("connect %d: %s\n", r, strerror(errno)); // expect: connect -1: Connection refused
}

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    pairs();
    tcp();
    return 0;
}

GORT_MAIN(start)
