/* load.c: a load generator for echo servers, the same for every server that is measured.
 *
 * Usage   load PORT PID CONNECTIONS WARM_MS RUN_MS
 * Opens CONNECTIONS connections to 127.0.0.1:PORT and keeps one request of 64 bytes in flight on
 * each, from one thread over epoll. After WARM_MS it counts for RUN_MS, then prints one line of
 * JSON: requests per second, the latency of a request at its median and 99th percentile, and the
 * processor time that process PID used per request, from that process's own CPU clock.
 * Knows nothing of the library: plain sockets.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { REQUEST_BYTES = 64, EVENTS = 256, BUCKETS = 1 << 20 };

struct conn {
    int fd;
    int got;         /* bytes of the answer so far */
    int64_t sent_ns; /* when the request went out */
};

struct load {
    int epfd;
    int nconns;
    struct conn *conns;
    int64_t count_from_ns;
    uint64_t answered;   /* since count_from_ns */
    uint32_t *histogram; /* of latencies, a bucket per microsecond; the last takes the rest */
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec t;
    if (clock_gettime(clock, &t) != 0)
        die("clock_gettime");
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int dial(int port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        die("socket");
    struct sockaddr_in to = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    if (connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        die("connect");
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return fd;
}

/* 64 bytes always fit an empty socket buffer: a short write is a broken connection. */
static void request(struct conn *c, int64_t now)
{
    static const char text[REQUEST_BYTES] = "request";
    c->got = 0;
    c->sent_ns = now;
    if (send(c->fd, text, sizeof text, MSG_NOSIGNAL | MSG_DONTWAIT) != REQUEST_BYTES)
        die("send");
}

static void count(struct load *l, const struct conn *c, int64_t now)
{
    if (now < l->count_from_ns)
        return;
    int64_t us = (now - c->sent_ns) / 1000;
    l->histogram[us < BUCKETS ? us : BUCKETS - 1]++;
    l->answered++;
}

static void answer(struct load *l, struct conn *c)
{
    char buf[REQUEST_BYTES];
    ssize_t n = recv(c->fd, buf, sizeof buf, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0)
        die("recv");
    c->got += (int)n;
    if (c->got < REQUEST_BYTES)
        return;
    int64_t now = clock_ns(CLOCK_MONOTONIC);
    count(l, c, now);
    request(c, now);
}

static void pump(struct load *l, int64_t until_ns)
{
    struct epoll_event events[EVENTS];
    while (clock_ns(CLOCK_MONOTONIC) < until_ns) {
        int n = epoll_wait(l->epfd, events, EVENTS, 100);
        if (n < 0 && errno != EINTR)
            die("epoll_wait");
        for (int i = 0; i < n; i++)
            answer(l, events[i].data.ptr);
    }
}

static void open_all(struct load *l, int port)
{
    l->epfd = epoll_create1(EPOLL_CLOEXEC);
    l->conns = calloc((size_t)l->nconns, sizeof *l->conns);
    l->histogram = calloc(BUCKETS, sizeof *l->histogram);
    if (l->epfd < 0 || l->conns == NULL || l->histogram == NULL)
        die("load");
    for (int i = 0; i < l->nconns; i++) {
        struct conn *c = &l->conns[i];
        c->fd = dial(port);
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(l->epfd, EPOLL_CTL_ADD, c->fd, &e) != 0)
            die("epoll_ctl");
    }
}

static int percentile_us(const struct load *l, double share)
{
    uint64_t below = 0;
    for (int us = 0; us < BUCKETS; us++) {
        below += l->histogram[us];
        if ((double)below >= share * (double)l->answered)
            return us;
    }
    return BUCKETS;
}

int main(int argc, char **argv)
{
    if (argc != 6) {
        fprintf(stderr, "usage: load PORT PID CONNECTIONS WARM_MS RUN_MS\n");
        return 2;
    }
    clockid_t server_cpu;
    if (clock_getcpuclockid((pid_t)atoi(argv[2]), &server_cpu) != 0)
        die("clock_getcpuclockid");
    struct load l = {.nconns = atoi(argv[3])};
    open_all(&l, atoi(argv[1]));
    int64_t start = clock_ns(CLOCK_MONOTONIC);
    l.count_from_ns = start + atoll(argv[4]) * 1000000;
    for (int i = 0; i < l.nconns; i++)
        request(&l.conns[i], clock_ns(CLOCK_MONOTONIC));

    pump(&l, l.count_from_ns);
    int64_t cpu0 = clock_ns(server_cpu), t0 = clock_ns(CLOCK_MONOTONIC);
    pump(&l, t0 + atoll(argv[5]) * 1000000);
    int64_t cpu = clock_ns(server_cpu) - cpu0, wall = clock_ns(CLOCK_MONOTONIC) - t0;

    double requests = l.answered > 0 ? (double)l.answered : 1;
    printf("{\"requests_per_s\":%.0f,\"p50_us\":%d,\"p99_us\":%d,\"cpu_us\":%.3f}\n",
           requests * 1e9 / (double)wall, percentile_us(&l, 0.5), percentile_us(&l, 0.99),
           (double)cpu / 1e3 / requests);
    return 0;
}
