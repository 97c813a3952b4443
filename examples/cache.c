/* cache.c: a cache server: it keeps what was used last, up to so much memory, and forgets the rest.
 *
 *     cache [-m MB] [-p PORT]               serves until somebody sends `stop`
 *     cache [-m MB] -t SECONDS [-c CLIENTS] fills itself, has clients of its own ask it, and ends
 *
 * MB: 64. PORT: 0, a free one. CLIENTS: 8. A client sends lines and gets a line for each: `get KEY` (the
 * value, or nothing), `set KEY VALUE`, `count`, `stop`. At the end the server tells how long its answers
 * took, and how long the collector stopped the program.
 *
 * What to look at: -m 1000 makes some ten million small objects that point to each other. The collector
 * looks at each of them once in a while, on half of the processors at most, and the clients hardly notice.
 */
#include <gort.h>

#include "cache.h"
#include "durations.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static durations answers, round_trips;
static atomic_ulong wrong; /* answers that are not what was set */
static gort_chan *stopped;

enum { ENTRY_BYTES = 144 }; /* about, of those that our clients make */

/* ---- the server */

static const char *obey(char *line)
{
    line[strcspn(line, "\r")] = 0;
    char *key = strchr(line, ' '), *value = key != NULL ? strchr(key + 1, ' ') : NULL;
    line[strcspn(line, " ")] = 0;
    if (value != NULL)
        *value++ = 0;
    if (strcmp(line, "get") == 0 && key != NULL && value == NULL)
        return cache_get(key + 1);
    if (strcmp(line, "set") == 0 && value != NULL)
        return cache_set(key + 1, value), "ok";
    if (strcmp(line, "count") == 0)
        return gort_sprintf("%zu", cache_count());
    if (strcmp(line, "stop") == 0)
        return gort_chan_try_send(stopped, &(bool){true}), "bye";
    return "what?";
}

static void serve(int fd)
{
    char in[4096];
    size_t have = 0;
    ssize_t n = 1;
    while (n > 0 && (n = gort_recv(fd, in + have, sizeof in - have, 0)) > 0) {
        char *line = in, *end;
        have += (size_t)n;
        while (n > 0 && (end = memchr(line, '\n', have)) != NULL) {
            int64_t began = gort_nanotime();
            *end = 0;
            const char *answer = obey(line);
            struct iovec parts[] = {{(char *)answer, strlen(answer)}, {"\n", 1}};
            n = gort_writev(fd, parts, 2);
            durations_add(&answers, gort_nanotime() - began);
            have -= (size_t)(end + 1 - line);
            line = end + 1;
        }
        memmove(in, line, have);
    } /* a line that is longer than `in` ends it, too */
    gort_close(fd);
}

static void accept_all(int listener)
{
    for (int fd; (fd = gort_accept4(listener, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        gort_go(serve, fd);
    }
}

/* ---- its own clients */

static size_t keys; /* a quarter more than fit */

static const char *value_of(size_t i)
{
    return gort_sprintf("%zu is the value of the key, with forty bytes more to fill it.", i);
}

static void fill(size_t from, size_t to, gort_waitgroup *left)
{
    for (size_t i = from; i < to; i++)
        cache_set(gort_sprintf("key%zu", i), value_of(i));
    gort_waitgroup_done(left);
}

/* Sends a line, and puts its answer into `answer`. */
static bool ask(int fd, const char *line, char *answer, size_t room)
{
    int64_t began = gort_nanotime();
    size_t len = strlen(line), have = 0;
    ssize_t n = gort_send(fd, line, len, 0);
    if (n != (ssize_t)len)
        return false;
    do {
        n = gort_recv(fd, answer + have, room - have, 0);
        have += n > 0 ? (size_t)n : 0;
    } while (n > 0 && answer[have - 1] != '\n');
    durations_add(&round_trips, gort_nanotime() - began);
    answer[have > 0 ? have - 1 : 0] = 0;
    return n > 0;
}

/* Asks for keys until it is time to stop, for one at least, some of them often, and sets what is not there. */
static void client(const struct sockaddr_in *server, size_t id, int64_t until, gort_waitgroup *left)
{
    char answer[256];
    uint64_t random = id * 0x9e3779b97f4a7c15u + 1;
    int fd = gort_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool on = fd >= 0 && gort_connect(fd, (const struct sockaddr *)server, sizeof *server) == 0;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    for (bool asked = false; on && (!asked || gort_nanotime() < until); asked = true) {
        random ^= random << 13, random ^= random >> 7, random ^= random << 17;
        size_t i = (random & 0xffffffff) % keys * (random >> 32 & 0xffff) >> 16; /* mostly small */
        const char *key = gort_sprintf("key%zu", i), *value = value_of(i);
        on = ask(fd, gort_sprintf("get %s\n", key), answer, sizeof answer);
        if (on && answer[0] == 0)
            on = ask(fd, gort_sprintf("set %s %s\n", key, value), answer, sizeof answer);
        else if (on && strcmp(answer, value) != 0)
            wrong++;
    }
    wrong += !on;
    gort_close(fd);
    gort_waitgroup_done(left);
}

/* ---- the whole */

static int listen_on(struct sockaddr_in *addr)
{
    socklen_t len = sizeof *addr;
    int fd = gort_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)addr, len) != 0 || gort_listen(fd, 4096) != 0) {
        perror("cache");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)addr, &len);
    printf("listening on 127.0.0.1:%d\n", ntohs(addr->sin_port));
    fflush(stdout);
    return fd;
}

static void ask_ourselves(const struct sockaddr_in *server, size_t clients, double seconds)
{
    gort_waitgroup left = {0};
    size_t fillers = (size_t)gort_gomaxprocs(0);
    gort_waitgroup_add(&left, (int)fillers);
    for (size_t i = 0; i < fillers; i++)
        gort_go(fill, keys * i / fillers, keys * (i + 1) / fillers, &left);
    gort_waitgroup_wait(&left);
    printf("filled with %zu entries\n", cache_count());
    int64_t until = gort_nanotime() + (int64_t)(seconds * 1e9);
    gort_waitgroup_add(&left, (int)clients);
    for (size_t i = 0; i < clients; i++)
        gort_go(client, server, i + 1, until, &left);
    gort_waitgroup_wait(&left);
    durations_print("round trips", &round_trips);
}

static int run(int argc, char **argv)
{
    double options[128] = {['m'] = 64, ['c'] = 8};
    for (int opt; (opt = getopt(argc, argv, "m:p:t:c:")) != -1;) {
        if (opt == '?')
            return 2;
        options[opt] = atof(optarg);
    }
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)options['p']),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    size_t bytes = (size_t)(options['m'] * 0x1p20);
    keys = bytes / ENTRY_BYTES * 5 / 4;
    cache_init(bytes);
    stopped = gort_make_chan(bool, 1);
    gort_go(accept_all, listen_on(&addr));
    if (options['t'] > 0)
        ask_ourselves(&addr, (size_t)options['c'], options['t']);
    else
        gort_chan_recv(stopped, NULL);
    durations_print("answers", &answers);
    durations_print_pauses();
    printf("%zu entries, %lu wrong answers\n", cache_count(), wrong);
    return wrong > 0;
}

GORT_MAIN(run)
