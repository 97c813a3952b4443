/* serve.c: the debug server begins, runs, ends.
 *
 * Owns    gort_debug_serve and gort_debug_serve_stop, the listening socket, and the server's goroutine.
 * Holds   1. The server's goroutine alternates: a turn of the daemon (daemon.c), what that left to do, and
 *            waiting for sockets, jobs and clients that go.
 *         2. It ends when it was told to and no job runs any more; each of those is told that nobody waits.
 * Locks   `serving`, a goroutine's mutex, over start and stop.
 */
#include "http_int.h"

#include <gort/go.h>
#include <gort/http.h>
#include <gort/io.h>
#include <gort/time.h>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define STACK_BYTES (256 * 1024)
#define BACKLOG     128

static gort_mutex serving;
static struct server *the_server;

/* ---- the loop */

void request_free(struct request *r)
{
    free(r->path);
    free(r->query);
    text_free(&r->body);
    text_free(&r->answer.text);
    free(r->answer.disposition);
    if (r->answer.fd >= 0)
        (void)close(r->answer.fd);
    if (r->cancel_fd >= 0)
        (void)gort_close(r->cancel_fd);
    free(r);
}

/* What a job has done since the last turn. */
static void collect_one(struct server *s, struct request *r, unsigned what)
{
    if ((what & POST_CHUNK) != 0 && !r->attached)
        gort_sema_release(&r->consumed);
    if ((what & POST_CHUNK) != 0 && r->attached) {
        r->have_chunk = true;
        r->chunk_pos = 0;
    }
    r->ready = r->ready || (what & (POST_ANSWER | POST_FINISHED)) != 0;
    if ((what & POST_FINISHED) != 0) {
        r->finished = true;
        r->job = false;
        s->njobs--;
    }
    if (r->attached) {
        r->next_arrived = s->arrived;
        s->arrived = r;
    } else if (r->finished) {
        request_free(r);
    }
}

static void collect(struct server *s)
{
    gort_mutex_lock(&s->lock);
    struct request *r = s->posted;
    s->posted = NULL;
    while (r != NULL) {
        struct request *next = r->next_posted;
        unsigned what = r->posted;
        r->posted = 0;
        collect_one(s, r, what);
        r = next;
    }
    gort_mutex_unlock(&s->lock);
}

/* What the daemon wants done. */
static void work_off(struct server *s)
{
    static const gort_go_options options = {.stack_bytes = STACK_BYTES};
    struct request *r = s->touched;
    s->touched = NULL;
    while (r != NULL) {
        struct request *next = r->next_touched;
        unsigned what = r->todo;
        r->todo = 0;
        if ((what & TODO_START) != 0)
            gort_go_with(options, http_job, r);
        if ((what & TODO_CONSUMED) != 0)
            gort_sema_release(&r->consumed);
        if ((what & TODO_LEFT) != 0 && r->job) {
            http_cancel(r);
            if (r->have_chunk)
                gort_sema_release(&r->consumed);
            r->have_chunk = false;
        } else if ((what & TODO_LEFT) != 0) {
            request_free(r);
        }
        r = next;
    }
}

static void await(struct server *s)
{
    enum { MOST = 128 };
    struct pollfd fds[MOST + 2];
    struct connection *who[MOST];
    uint64_t count;
    size_t n = http_watched(s, fds + 2, who, MOST);
    fds[0] = (struct pollfd){.fd = s->poll_fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = s->wake_fd, .events = POLLIN};
    if (gort_poll(fds, n + 2, (int)s->timeout_ms) <= 0)
        return;
    if (fds[1].revents != 0)
        (void)gort_read(s->wake_fd, &count, sizeof count);
    for (size_t i = 0; i < n; i++)
        if (fds[i + 2].revents != 0)
            http_hung_up(who[i]);
}

static void http_serve(struct server *s)
{
    size_t place = http_enter(s);
    while (!s->quiet || s->njobs > 0) {
        collect(s);
        gort_cgocall(http_turn, s);
        work_off(s);
        http_cancel_unwanted(s);
        if (!s->quiet || s->njobs > 0)
            await(s);
    }
    gort_cgocall(http_daemon_stop, s);
    work_off(s);
    http_leave(s, place);
    gort_sema_release(&s->ended);
}

/* ---- addresses */

/* "host:port", "[host]:port", "port" or ":port". The host's brackets are taken off; it may be empty. */
static bool split(const char *addr, char *host, size_t room, uint16_t *port)
{
    const char *colon = strrchr(addr, ':');
    size_t n = colon == NULL ? 0 : (size_t)(colon - addr);
    int64_t number;
    if (colon == NULL)
        colon = addr - 1;
    if (!uri_int(colon + 1, &number) || number < 0 || number > 65535 || colon[1] == '+' ||
        colon[1] == '-')
        return false;
    if (n >= 2 && addr[0] == '[' && addr[n - 1] == ']') {
        addr++;
        n -= 2;
    } else if (memchr(addr, ':', n) != NULL) {
        return false; /* too many colons in address */
    }
    if (n >= room)
        return false;
    memcpy(host, addr, n);
    host[n] = 0;
    *port = (uint16_t)number;
    return true;
}

static int errno_of(int eai)
{
    return eai == EAI_SYSTEM ? errno : eai == EAI_MEMORY ? ENOMEM : EADDRNOTAVAIL;
}

static int listen_at(const struct sockaddr *a, socklen_t len)
{
    const int on = 1;
    int fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, a, len) != 0 || listen(fd, BACKLOG) != 0) {
        int err = errno;
        (void)close(fd);
        return -err;
    }
    return fd;
}

/* The first address of `host` where listening works; or -errno. */
static int listen_on(const char *host, uint16_t port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *list;
    int fd = -EADDRNOTAVAIL;
    int eai = gort_getaddrinfo(host[0] == 0 ? "127.0.0.1" : host, "0", &hints, &list);
    if (eai != 0)
        return -errno_of(eai);
    for (int family = 0; family < 2 && fd < 0; family++)
        for (struct addrinfo *a = list; a != NULL && fd < 0; a = a->ai_next) {
            if ((a->ai_family == AF_INET) != (family == 0))
                continue;
            if (a->ai_family == AF_INET)
                ((struct sockaddr_in *)(void *)a->ai_addr)->sin_port = htons(port);
            else if (a->ai_family == AF_INET6)
                ((struct sockaddr_in6 *)(void *)a->ai_addr)->sin6_port = htons(port);
            else
                continue;
            fd = listen_at(a->ai_addr, a->ai_addrlen);
        }
    freeaddrinfo(list);
    return fd;
}

static int port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } a;
    socklen_t len = sizeof a;
    if (getsockname(fd, &a.any, &len) != 0)
        return -1;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

/* ---- start and stop */

static void server_free(struct server *s)
{
    if (s->listen_fd >= 0)
        (void)close(s->listen_fd);
    if (s->wake_fd >= 0)
        (void)gort_close(s->wake_fd);
    free(s);
}

/* 0, or an errno. */
static int server_start(struct server *s, const char *addr)
{
    char host[256];
    uint16_t port;
    if (!split(addr, host, sizeof host, &port))
        return EINVAL;
    s->listen_fd = listen_on(host, port);
    if (s->listen_fd < 0)
        return -s->listen_fd;
    s->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (s->wake_fd < 0)
        return errno;
    gort_cgocall(http_daemon_start, s);
    return s->daemon == NULL || s->poll_fd < 0 ? ENOMEM : 0;
}

static int serve_locked(const char *addr)
{
    static const gort_go_options options = {.stack_bytes = STACK_BYTES};
    if (the_server != NULL)
        return -EBUSY;
    struct server *s = calloc(1, sizeof *s);
    if (s == NULL)
        return -ENOMEM;
    s->listen_fd = s->wake_fd = -1;
    int err = server_start(s, addr);
    if (err != 0) {
        server_free(s);
        return -err;
    }
    the_server = s;
    gort_go_with(options, http_serve, s);
    return port_of(s->listen_fd);
}

int gort_debug_serve(const char *addr)
{
    if (!gort_on_goroutine()) {
        errno = EPERM;
        return -1;
    }
    gort_mutex_lock(&serving);
    int r = addr == NULL ? -EINVAL : serve_locked(addr);
    gort_mutex_unlock(&serving);
    if (r < 0)
        errno = -r;
    return r < 0 ? -1 : r;
}

void gort_debug_serve_stop(void)
{
    gort_mutex_lock(&serving);
    struct server *s = the_server;
    if (s != NULL) {
        __atomic_store_n(&s->stopping, 1u, __ATOMIC_RELEASE);
        http_wake(s);
        gort_sema_acquire(&s->ended);
        the_server = NULL;
        server_free(s);
    }
    gort_mutex_unlock(&serving);
}
