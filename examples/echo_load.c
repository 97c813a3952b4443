/* echo_load.c: how fast is an echo server? Many connections, each with one request under way.
 *
 *     echo_load [-c CONNECTIONS] [-t SECONDS] [-s BYTES] [HOST [PORT]]
 *
 * CONNECTIONS: 100. SECONDS: 2. BYTES: 64, of each request. HOST: 127.0.0.1. PORT: 7007. Each
 * connection asks once at least.
 *
 * What to look at: gort_getaddrinfo and gort_connect, which park the goroutine; a context whose
 * deadline ends all clients at once; results that come back through a channel.
 */
#include <gort.h>

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Counts of durations, in steps of a sixteenth of a power of two. */
enum { STEPS = 16, SLOTS = 64 * STEPS };
typedef struct {
    long count, failed;
    uint32_t slot[SLOTS];
} result;
GORT_TYPE_NOSCAN(result)
typedef result *result_ref;

static size_t size = 64;

static unsigned slot_of(uint64_t ns)
{
    if (ns < STEPS)
        return (unsigned)ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns); /* at least 4 */
    return (power - 3) * STEPS + (unsigned)(ns >> (power - 4)) % STEPS;
}

static double microseconds_of(unsigned slot)
{
    if (slot < STEPS)
        return slot / 1e3;
    unsigned power = slot / STEPS + 3;
    return (double)((uint64_t)(STEPS + slot % STEPS) << (power - 4)) / 1e3;
}

/* One request: true if all of it came back. */
static bool ask(int fd, const char *request, char *answer)
{
    if (gort_send(fd, request, size, 0) != (ssize_t)size)
        return false;
    return gort_recv(fd, answer, size, MSG_WAITALL) == (ssize_t)size &&
           memcmp(request, answer, size) == 0;
}

static void client(const struct addrinfo *server, gort_context *ctx, gort_chan *results, int id)
{
    result *r = gort_new(result);
    char *request = gort_alloc_noscan(size), *answer = gort_alloc_noscan(size);
    memset(request, 'a' + id % 26, size);
    int fd = gort_socket(server->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (gort_connect(fd, server->ai_addr, server->ai_addrlen) != 0) {
        perror("connect");
        r->failed = 1;
    }
    while (r->failed == 0 && (r->count == 0 || gort_context_err(ctx) == NULL)) {
        int64_t began = gort_nanotime();
        if (!ask(fd, request, answer)) {
            perror("echo");
            r->failed = 1;
            break;
        }
        r->slot[slot_of((uint64_t)(gort_nanotime() - began))]++;
        r->count++;
    }
    if (fd >= 0)
        gort_close(fd);
    gort_chan_send(results, &r);
}

/* The duration that `part` of all requests stay below. */
static double percentile(const result *sum, double part)
{
    double left = part * (double)sum->count;
    unsigned i = 0;
    while (i < SLOTS - 1 && (left -= sum->slot[i]) > 0)
        i++;
    return microseconds_of(i);
}

static int run(int argc, char **argv)
{
    int connections = 100;
    double seconds = 2;
    for (int opt; (opt = getopt(argc, argv, "c:t:s:")) != -1;) {
        if (opt == 'c')
            connections = atoi(optarg);
        else if (opt == 't')
            seconds = atof(optarg);
        else if (opt == 's')
            size = strtoul(optarg, NULL, 10);
        else
            return 2;
    }
    const char *host = optind < argc ? argv[optind] : "127.0.0.1";
    const char *port = optind + 1 < argc ? argv[optind + 1] : "7007";
    struct addrinfo *server, hints = {.ai_socktype = SOCK_STREAM};
    int err = gort_getaddrinfo(host, port, &hints, &server);
    if (err != 0) {
        fprintf(stderr, "echo_load: %s: %s\n", host, gai_strerror(err));
        return 1;
    }

    gort_chan *results = gort_make_chan(result_ref, 0);
    int64_t began = gort_nanotime();
    gort_context *ctx =
        gort_context_with_timeout(gort_context_background(), (int64_t)(seconds * 1e9));
    for (int i = 0; i < connections; i++)
        gort_go(client, server, ctx, results, i);
    result *sum = gort_new(result), *r;
    for (int i = 0; i < connections; i++) {
        gort_chan_recv(results, &r);
        sum->count += r->count;
        sum->failed += r->failed;
        for (int k = 0; k < SLOTS; k++)
            sum->slot[k] += r->slot[k];
    }
    double took = (double)(gort_nanotime() - began) / 1e9;
    freeaddrinfo(server);
    printf("%ld requests on %d connections in %.2f s: %.0f requests/s, %ld connections failed\n",
           sum->count, connections, took, (double)sum->count / took, sum->failed);
    printf("latency in us: p50 %.0f, p90 %.0f, p99 %.0f, p99.9 %.0f, max %.0f\n",
           percentile(sum, 0.5), percentile(sum, 0.9), percentile(sum, 0.99),
           percentile(sum, 0.999), percentile(sum, 1));
    return sum->failed != 0;
}

GORT_MAIN(run)
