/* Without descriptors left, the call says EMFILE, those who wait go on waiting, and a connection that could
 * not be accepted is still there later. */
#include <gort.h>
#include <gort/io.h>

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 64 };

/* A call that has to work for the rest to mean anything. */
static int must(int r)
{
    if (r < 0)
        gort_panicf("must: %s", strerror(errno));
    return r;
}

static gort_chan *got;

static void wait_for_byte(int fd)
{
    char c = 0;
    ssize_t n = gort_read(fd, &c, 1);
    int v = n == 1 ? c : -1;
    gort_chan_send(got, &v);
}

/* Until the reader waits: the poller has its descriptors then. A reader that cannot wait has an answer. */
static void await_reader(void)
{
    static char text[1 << 16];
    do {
        gort_gosched();
        if (gort_chan_len(got) != 0)
            gort_panicf("the reader does not wait");
        text[gort_stack(text, sizeof text - 1, true)] = '\0';
    } while (strstr(text, "[IO wait]") == NULL);
}

static const char *word(int r)
{
    return r >= 0 ? "done" : strerror(errno);
}

static int run(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    struct rlimit limit = {MOST, MOST};
    int p[2], q[2], v, fd, last = -1;
    (void)argc;
    (void)argv;
    got = gort_make_chan(int, 1);
    must(gort_pipe(p));
    gort_go(wait_for_byte, p[0]);
    int listener = must(gort_socket(AF_INET, SOCK_STREAM, 0));
    int client = must(gort_socket(AF_INET, SOCK_STREAM, 0));
    bind(listener, (struct sockaddr *)&a, sizeof a);
    gort_listen(listener, 4);
    getsockname(listener, (struct sockaddr *)&a, &len);
    await_reader();
    setrlimit(RLIMIT_NOFILE, &limit);
    while ((fd = dup(0)) >= 0)
        last = fd;
    // expect: socket: Too many open files
    printf("socket: %s\n", word(gort_socket(AF_INET, SOCK_STREAM, 0)));
    // expect: pipe: Too many open files
    printf("pipe: %s\n", word(gort_pipe(q)));
    // expect: pair: Too many open files
    printf("pair: %s\n", word(gort_socketpair(AF_UNIX, SOCK_STREAM, 0, q)));
    // expect: open: Too many open files
    printf("open: %s\n", word(gort_open("/dev/null", 0, 0)));
    // expect: connect: done
    printf("connect: %s\n", word(must(gort_connect(client, (struct sockaddr *)&a, len))));
    // expect: accept: Too many open files
    printf("accept: %s\n", word(gort_accept(listener, NULL, NULL)));
    gort_sleep(1000000);
    must((int)gort_write(p[1], "x", 1));
    gort_chan_recv(got, &v);
    // expect: got x
    printf("got %c\n", v);
    gort_close(last);
    fd = must(gort_accept(listener, NULL, NULL));
    // expect: accept: done
    printf("accept: %s\n", word(fd));
    gort_go(wait_for_byte, fd);
    must((int)gort_write(client, "y", 1));
    gort_chan_recv(got, &v);
    // expect: got y
    printf("got %c\n", v);
    return 0;
}
GORT_MAIN(run)
