/* One descriptor is left when a poll wants to wait, and the poller needs three: the thread waits. */
#include <gort.h>
#include <gort/io.h>
#include <gort/panic.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

/* A call that has to work for the rest to mean anything. */
static int must(int r)
{
    if (r < 0)
        gort_panicf("must: %s", strerror(errno));
    return r;
}

static gort_chan *done;

static void write_later(int fd)
{
    int v = 0;
    for (int i = 0; i < 10; i++)
        gort_gosched();
    must((int)gort_write(fd, "z", 1));
    gort_chan_send(done, &v);
}

static int run(int argc, char **argv)
{
    struct rlimit limit = {32, 32};
    struct epoll_event e = {.events = EPOLLIN};
    int p[2], fd, last = -1;
    char c = 0;
    (void)argc;
    (void)argv;
    done = gort_make_chan(int, 1);
    must(gort_pipe(p));
    int ep = must(epoll_create1(0));
    must(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &e));
    setrlimit(RLIMIT_NOFILE, &limit);
    while ((fd = dup(0)) >= 0)
        last = fd;
    close(last);
    struct pollfd want = {p[0], POLLIN, 0};
    gort_go(write_later, p[1]);
    int r = gort_poll(&want, 1, -1);
    printf("poll: %d %s\n", r, r < 0 ? strerror(errno) : "ready"); // expect: poll: 1 ready
    gort_chan_recv(done, NULL);
    must((int)gort_read(p[0], &c, 1));
    r = gort_poll(&want, 1, 1);
    printf("nothing: %d\n", r); // expect: nothing: 0
    gort_go(write_later, p[1]);
    r = gort_epoll_wait(ep, &e, 1, -1);
    printf("epoll: %d %s\n", r, r < 0 ? strerror(errno) : "ready"); // expect: epoll: 1 ready
    gort_chan_recv(done, NULL);
    return 0;
}
GORT_MAIN(run)
