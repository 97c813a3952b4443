/* Closing a descriptor ends every wait on it, with EBADF, also of those who queue behind the first; the
 * number may be somebody else's at once. */
#include <gort.h>
#include <gort/io.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EACH = 3 };

/* A call that has to work for the rest to mean anything. */
static int must(int r)
{
    if (r < 0)
        gort_panicf("must: %s", strerror(errno));
    return r;
}

static gort_waitgroup all;
static int ended[5], wrong;

static void say(int kind, ssize_t r)
{
    if (r == -1 && errno == EBADF)
        __atomic_fetch_add(&ended[kind], 1, __ATOMIC_RELAXED);
    else
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
    gort_waitgroup_done(&all);
}

static void reader(int fd, int kind)
{
    char c;
    say(kind, gort_read(fd, &c, 1));
}

static void writer(int fd)
{
    static char block[1 << 20];
    say(2, gort_write(fd, block, sizeof block));
}

static void accepter(int fd)
{
    say(3, gort_accept(fd, NULL, NULL));
}

static void with_deadline(int fd)
{
    char c;
    gort_set_read_deadline(fd, gort_nanotime() + INT64_C(60000000000));
    say(4, gort_read(fd, &c, 1));
}

static int run(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int p[2], s[2], w[2], d[2];
    static char fill[1 << 20];
    (void)argc;
    (void)argv;
    must(gort_pipe(p));
    must(gort_pipe(w));
    must(gort_socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    must(gort_socketpair(AF_UNIX, SOCK_STREAM, 0, d));
    int listener = must(gort_socket(AF_INET, SOCK_STREAM, 0));
    bind(listener, (struct sockaddr *)&a, sizeof a);
    gort_listen(listener, 4);
    must(gort_fcntl(w[1], F_SETFL, O_NONBLOCK | O_WRONLY));
    while (write(w[1], fill, 4096) > 0)
        ;
    gort_waitgroup_add(&all, 5 * EACH);
    for (int i = 0; i < EACH; i++) {
        gort_go(reader, p[0], 0);
        gort_go(reader, s[0], 1);
        gort_go(writer, w[1]);
        gort_go(accepter, listener);
        gort_go(with_deadline, d[0]);
    }
    gort_sleep(20000000);
    printf("close %d %d %d %d %d\n", gort_close(p[0]), gort_close(s[0]), gort_close(w[1]),
           gort_close(listener), gort_close(d[0])); // expect: close 0 0 0 0 0
    gort_waitgroup_wait(&all);
    for (int i = 0; i < 5; i++)
        printf("%d ", ended[i]);
    printf("wrong %d\n", wrong); // expect: 3 3 3 3 3 wrong 0
    int r = gort_close(p[0]);
    printf("again %d %s\n", r, strerror(errno)); // expect: again -1 Bad file descriptor
    int q[2];
    char c = 0;
    must(gort_pipe(q));
    must((int)gort_write(q[1], "n", 1));
    r = (int)gort_read(q[0], &c, 1);
    printf("new %d %c\n", r, c); // expect: new 1 n
    return 0;
}
GORT_MAIN(run)
