/* daemon.c: libmicrohttpd, which speaks HTTP.
 *
 * Owns    the daemon, connections, and requests as long as a connection has them.
 * Holds   1. The daemon's code runs in http_turn only: on a thread's own stack, never two at once, and with
 *            no call of libgort in between. What it wants of goroutines it puts into lists, which
 *            serve.c works off between two turns.
 *         2. A request lives while its connection has it (`attached`) or its job runs (`job`).
 *         3. A connection is suspended exactly while its request waits for its job, for the answer or for
 *            the next part of it; the daemon does not look at its socket then, and serve.c does.
 * Instead of the daemon's own thread: the handlers would need goroutines all the same, and the program
 *         would seem to be deadlocked, and end, while somebody could still look at it.
 */
#include "http_int.h"

#include <gort/time.h>

#include <microhttpd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 100
#define HEADER_BYTES    (32 * 1024) /* all headers of a request */
#define BODY_BYTES      (1024 * 1024)
#define IDLE_SECONDS    60                 /* without a byte either way */
#define REQUEST_NS      (10 * GORT_SECOND) /* from the first moment to the end of the first request */
#define NEXT_NS         (60 * GORT_SECOND) /* the same for the next one */
#define WRITE_NS        (3600 * GORT_SECOND)
#define STREAM_BYTES    (64 * 1024)

struct connection {
    struct connection *next, **at;
    int fd;
    int64_t deadline;        /* then it is closed */
    struct request *waiting; /* that it is suspended for */
    bool answering;          /* an answer is on its way */
    bool hung_up;            /* nothing more comes from there */
};

/* ---- connections */

static void on_connection(void *cls, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode what)
{
    struct server *s = cls;
    struct connection *c = *context;
    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (c == NULL)
            return;
        s->again = true; /* the daemon accepts again, where it had too many */
        *c->at = c->next;
        if (c->next != NULL)
            c->next->at = c->at;
        free(c);
        return;
    }
    const union MHD_ConnectionInfo *fd =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
    c = calloc(1, sizeof *c);
    *context = c;
    if (c == NULL || fd == NULL)
        return;
    c->fd = fd->connect_fd;
    c->deadline = gort_nanotime() + REQUEST_NS;
    c->next = s->connections;
    c->at = &s->connections;
    if (c->next != NULL)
        c->next->at = &c->next;
    s->connections = c;
}

/* ---- requests */

/* The first thing that is heard of a request: its target, as it was sent. */
static void *on_uri(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct request *r = calloc(1, sizeof *r);
    size_t n = strcspn(uri, "?");
    if (r == NULL)
        return NULL;
    r->server = cls;
    r->mhd = mhd;
    r->attached = true;
    r->answer.fd = -1;
    r->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    r->path = malloc(n + 1);
    r->query = strdup(uri[n] == 0 ? "" : uri + n + 1);
    if (r->path == NULL || r->query == NULL || r->cancel_fd < 0) {
        request_free(r);
        return NULL;
    }
    if (!uri_decode(uri, n, false, r->path))
        r->path[0] = 0;
    return r;
}

static void touch(struct request *r, unsigned what)
{
    if (r->todo == 0) {
        r->next_touched = r->server->touched;
        r->server->touched = r;
    }
    r->todo |= what;
}

static void on_completed(void *cls, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode why)
{
    struct request *r = *context;
    (void)cls;
    (void)mhd;
    (void)why;
    *context = NULL;
    if (r == NULL)
        return;
    if (r->connection != NULL) {
        r->connection->deadline = gort_nanotime() + NEXT_NS;
        r->connection->waiting = NULL;
        r->connection->answering = false;
    }
    r->attached = false;
    touch(r, TODO_LEFT);
}

/* ---- answers */

static void suspend(struct request *r)
{
    r->suspended = true;
    r->connection->waiting = r;
    MHD_suspend_connection(r->mhd);
}

static ssize_t on_body(void *cls, uint64_t at, char *buf, size_t max)
{
    struct request *r = cls;
    (void)at;
    if (!r->have_chunk && r->finished)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!r->have_chunk) {
        suspend(r);
        return 0;
    }
    size_t n = r->chunk_len - r->chunk_pos;
    n = n < max ? n : max;
    memcpy(buf, r->chunk + r->chunk_pos, n);
    r->chunk_pos += n;
    if (r->chunk_pos == r->chunk_len) {
        r->have_chunk = false;
        touch(r, TODO_CONSUMED);
    }
    return (ssize_t)n;
}

static struct MHD_Response *response_of(struct request *r)
{
    struct answer *a = &r->answer;
    if (a->stream)
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BYTES, on_body, r, NULL);
    if (a->fd >= 0) {
        off_t bytes = lseek(a->fd, 0, SEEK_END);
        struct MHD_Response *p =
            bytes < 0 ? NULL : MHD_create_response_from_fd64((uint64_t)bytes, a->fd);
        if (p != NULL)
            a->fd = -1;
        return p;
    }
    struct MHD_Response *p =
        MHD_create_response_from_buffer(a->text.len, a->text.p, MHD_RESPMEM_MUST_FREE);
    if (p != NULL)
        a->text = (struct text){0};
    return p;
}

static void headers_of(struct MHD_Response *p, const struct answer *a)
{
    (void)MHD_add_response_header(p, "X-Content-Type-Options", "nosniff");
    (void)MHD_add_response_header(p, "Cache-Control", "no-store");
    if (a->type != NULL)
        (void)MHD_add_response_header(p, "Content-Type", a->type);
    if (a->disposition != NULL)
        (void)MHD_add_response_header(p, "Content-Disposition", a->disposition);
    if (a->location != NULL)
        (void)MHD_add_response_header(p, "Location", a->location);
    if (a->pprof_error)
        (void)MHD_add_response_header(p, "X-Go-Pprof", "1");
    if (a->allow != NULL)
        (void)MHD_add_response_header(p, "Allow", a->allow);
    if (a->page) {
        char policy[256] = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
                           "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
                           "script-src 'nonce-";
        strcat(strcat(policy, a->nonce), "'");
        (void)MHD_add_response_header(p, "Content-Security-Policy", policy);
    }
}

static enum MHD_Result respond(struct request *r)
{
    struct MHD_Response *p = response_of(r);
    if (p == NULL)
        return MHD_NO;
    headers_of(p, &r->answer);
    r->connection->deadline = gort_nanotime() + WRITE_NS;
    r->connection->answering = true;
    enum MHD_Result ok = MHD_queue_response(r->mhd, (unsigned)r->answer.status, p);
    MHD_destroy_response(p);
    return ok;
}

static enum MHD_Result refuse(struct request *r, int status, const char *text)
{
    http_error(r, status, "%s", text);
    return respond(r);
}

static enum MHD_Result refuse_method(struct request *r)
{
    bool post = r->route != NULL && (r->route->methods & METHOD_POST) != 0;
    r->answer.allow = post ? "GET, HEAD, POST" : "GET, HEAD";
    return refuse(r, MHD_HTTP_METHOD_NOT_ALLOWED, "method not allowed");
}

/* The headers are there. MHD_YES without an answer: go on. */
static enum MHD_Result begin(struct request *r, const char *method)
{
    bool get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
    bool post = strcmp(method, "POST") == 0;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    r->begun = true;
    r->connection = info == NULL ? NULL : info->socket_context;
    if (r->connection == NULL)
        return MHD_NO;
    r->route = http_route(r->path, &r->name);
    if (r->path[0] != '/')
        return refuse(r, MHD_HTTP_BAD_REQUEST, "bad path");
    if (!get && !(post && r->route != NULL && (r->route->methods & METHOD_POST) != 0))
        return refuse_method(r);
    if (r->route == NULL)
        return refuse(r, MHD_HTTP_NOT_FOUND, "404 page not found");
    return MHD_YES;
}

static enum MHD_Result submit(struct request *r)
{
    struct server *s = r->server;
    if (s->quiet || s->njobs >= HTTP_MAX_JOBS)
        return refuse(r, MHD_HTTP_SERVICE_UNAVAILABLE, "too many requests at once");
    s->njobs++;
    r->job = true;
    r->connection->deadline = INT64_MAX;
    touch(r, TODO_START);
    suspend(r);
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *bytes, void **context)
{
    struct request *r = *context;
    (void)cls;
    (void)mhd;
    (void)url;
    (void)version;
    if (r == NULL)
        return MHD_NO;
    if (!r->begun)
        return begin(r, method);
    if (*bytes > 0) {
        if (r->body.len + *bytes > BODY_BYTES)
            return MHD_NO;
        text_bytes(&r->body, data, *bytes);
        *bytes = 0;
        return MHD_YES;
    }
    return r->ready ? respond(r) : submit(r);
}

/* ---- a turn */

static void resume_all(struct server *s)
{
    for (struct request *r = s->arrived; r != NULL; r = r->next_arrived) {
        if (!r->suspended)
            continue;
        r->suspended = false;
        r->connection->waiting = NULL;
        MHD_resume_connection(r->mhd);
    }
    s->arrived = NULL;
}

static bool has_unread(int fd)
{
    int bytes = 0;
    return ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

/* Ends the connections of clients that take too long, and of those that hung up in the middle of a request,
 * which the daemon would not hear of: it is told once of what was sent and that it was the last. */
static void close_some(struct server *s)
{
    int64_t now = gort_nanotime();
    for (struct connection *c = s->connections; c != NULL; c = c->next) {
        bool cut_off = c->hung_up && !c->answering && c->waiting == NULL && !has_unread(c->fd);
        if (s->quiet || c->deadline < now || cut_off)
            (void)shutdown(c->fd, SHUT_RDWR);
    }
}

void http_turn(void *server)
{
    struct server *s = server;
    MHD_UNSIGNED_LONG_LONG ms;
    if (__atomic_load_n(&s->stopping, __ATOMIC_ACQUIRE) != 0 && !s->quiet) {
        s->quiet = true;
        (void)MHD_quiesce_daemon(s->daemon);
    }
    resume_all(s);
    (void)MHD_run(s->daemon);
    close_some(s);
    s->timeout_ms = s->connections == NULL ? -1 : 1000;
    if (MHD_get_timeout(s->daemon, &ms) == MHD_YES && (s->timeout_ms < 0 || ms < 1000))
        s->timeout_ms = (int64_t)ms;
    if (s->again)
        s->timeout_ms = 0;
    s->again = false;
}

size_t http_watched(struct server *s, struct pollfd *fds, struct connection **who, size_t n)
{
    size_t k = 0;
    for (struct connection *c = s->connections; c != NULL && k < n; c = c->next)
        if (!c->hung_up && (!c->answering || c->waiting != NULL)) {
            fds[k] = (struct pollfd){.fd = c->fd, .events = POLLRDHUP};
            who[k++] = c;
        }
    return k;
}

void http_hung_up(struct connection *c)
{
    c->hung_up = true;
}

void http_cancel_unwanted(struct server *s)
{
    for (struct connection *c = s->connections; c != NULL; c = c->next)
        if (c->waiting != NULL && (c->hung_up || s->quiet))
            http_cancel(c->waiting);
}

/* ---- beginning and end */

static void drop_log(void *cls, const char *fmt, va_list args)
{
    (void)cls;
    (void)fmt;
    (void)args;
}

void http_daemon_start(void *server)
{
    struct server *s = server;
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, s,
        MHD_OPTION_EXTERNAL_LOGGER, drop_log, NULL, MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, MAX_CONNECTIONS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)HEADER_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
        MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        s->daemon == NULL ? NULL : MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    s->poll_fd = info == NULL ? -1 : info->epoll_fd;
}

void http_daemon_stop(void *server)
{
    struct server *s = server;
    MHD_stop_daemon(s->daemon);
}
