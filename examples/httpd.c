/* httpd.c: an HTTP/1.1 server of the files below a folder.
 *
 *     httpd [-p PORT] [DIR]        PORT: 8080, 0 takes a free one; DIR: .
 *
 * Answers GET and HEAD, keeps connections open, reads pipelined requests, serves index.html for a
 * folder, and refuses names that begin with a dot: `..`, and what is hidden.
 *
 * What to look at: a goroutine for each connection, which reads from top to bottom though thousands
 * may be waiting; gort_set_deadline, which ends the wait for a client that does nothing; a
 * GORT_SCOPE, whose deferred function closes the connection and keeps a panic in one from ending
 * the others.
 */
#include <gort.h>

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static const int64_t idle = 30 * GORT_SECOND;

typedef struct {
    int fd;
    size_t have;       /* bytes in `in`: a request, maybe the next ones */
    char in[8 * 1024]; /* a request's head fits, or is refused */
    char out[32 * 1024];
    char path[1024]; /* of the request, decoded; begins with a slash */
    bool head_only, keep;
} conn;

/* Writes the head of an answer to c->out, with further header lines `more`. Returns its bytes. */
static size_t put_head(conn *c, const char *status, const char *type, off_t length,
                       const char *more)
{
    return (size_t)snprintf(c->out, sizeof c->out,
                            "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\n%s%s\r\n",
                            status, type, (long long)length, more,
                            c->keep ? "" : "Connection: close\r\n");
}

/* Each of the following answers a request; true if the connection can take another one. */

static bool send_status(conn *c, const char *status, const char *more)
{
    size_t n = put_head(c, status, "text/plain", (off_t)strlen(status) + 1, more);
    if (!c->head_only)
        n += (size_t)snprintf(c->out + n, sizeof c->out - n, "%s\n", status);
    return gort_send(c->fd, c->out, n, 0) == (ssize_t)n && c->keep;
}

static const char *type_of(const char *path)
{
    static const char *const types[][2] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css"},
        {".js", "text/javascript"},
        {".json", "application/json"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".jpg", "image/jpeg"},
        {".pdf", "application/pdf"},
        {".txt", "text/plain; charset=utf-8"},
        {".md", "text/plain; charset=utf-8"},
        {".c", "text/plain; charset=utf-8"},
        {".h", "text/plain; charset=utf-8"},
    };
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i++)
        if (strcmp(dot, types[i][0]) == 0)
            return types[i][1];
    return "application/octet-stream";
}

static bool send_content(conn *c, int file, off_t left)
{
    size_t n = put_head(c, "200 OK", type_of(c->path), left, "");
    if (c->head_only)
        left = 0;
    do { /* the first part goes with the head */
        size_t room = sizeof c->out - n;
        ssize_t got = gort_read(file, c->out + n, (off_t)room < left ? room : (size_t)left);
        if (got < 0 || (got == 0 && left > 0))
            return false; /* it has become shorter than we said */
        left -= got;
        n += (size_t)got;
        gort_set_write_deadline(c->fd, gort_nanotime() + idle);
        if (gort_send(c->fd, c->out, n, 0) != (ssize_t)n)
            return false;
        n = 0;
    } while (left > 0);
    return c->keep;
}

static bool send_file(conn *c)
{
    struct stat st;
    size_t len = strlen(c->path);
    if (c->path[len - 1] == '/')
        snprintf(c->path + len, sizeof c->path - len, "index.html");
    const char *name = c->path + strspn(c->path, "/"); /* below the folder we are in */
    int file = gort_open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);
    if (file < 0)
        return send_status(c, errno == EACCES ? "403 Forbidden" : "404 Not Found", "");
    bool ok;
    if (fstat(file, &st) == 0 && S_ISREG(st.st_mode))
        ok = send_content(c, file, st.st_size);
    else
        ok = send_status(c, "404 Not Found", "");
    gort_close(file);
    return ok;
}

/* Decodes the target of a request into c->path. Returns NULL, or the status that refuses it. */
static const char *decode_path(conn *c, const char *s)
{
    size_t n = 0;
    if (*s != '/')
        return "400 Bad Request";
    while (*s != '\0' && *s != '?') {
        char ch = *s++;
        if (ch == '%') {
            if (!isxdigit((unsigned char)s[0]) || !isxdigit((unsigned char)s[1]))
                return "400 Bad Request";
            ch = (char)strtol((char[]){s[0], s[1], '\0'}, NULL, 16);
            s += 2;
        }
        if (ch == '\0')
            return "400 Bad Request";
        if (n >= sizeof c->path - sizeof "index.html")
            return "414 URI Too Long";
        c->path[n++] = ch;
    }
    c->path[n] = '\0';
    return strstr(c->path, "/.") != NULL ? "403 Forbidden" : NULL;
}

/* Reads the header lines. Returns false if they are malformed. */
static bool parse_headers(conn *c, char *line, bool needs_host)
{
    for (char *end; (end = strstr(line, "\r\n")) != NULL && end > line; line = end + 2) {
        *end = '\0';
        char *value = strchr(line, ':');
        if (value == NULL || value == line || isspace((unsigned char)*line))
            return false;
        *value++ = '\0';
        value += strspn(value, " \t");
        if (strcasecmp(line, "Host") == 0)
            needs_host = false;
        else if (strcasecmp(line, "Connection") == 0)
            c->keep = strcasecmp(value, "close") != 0 &&
                      (c->keep || strcasecmp(value, "keep-alive") == 0);
        else if (strcasecmp(line, "Content-Length") == 0 ||
                 strcasecmp(line, "Transfer-Encoding") == 0)
            c->keep = false; /* a body, which nobody here reads */
    }
    return !needs_host;
}

/* Answers the request whose head is the text at `head`, which this takes apart. */
static bool handle(conn *c, char *head)
{
    char *headers = strstr(head, "\r\n") + 2;
    headers[-2] = '\0';
    char *target = strchr(head, ' '), *version = target ? strchr(target + 1, ' ') : NULL;
    c->head_only = c->keep = false;
    if (version == NULL || strncmp(version, " HTTP/", 6) != 0)
        return send_status(c, "400 Bad Request", "");
    *target++ = *version++ = '\0';
    if (strncmp(version, "HTTP/1.", 7) != 0)
        return send_status(c, "505 HTTP Version Not Supported", "");
    c->keep = strcmp(version, "HTTP/1.0") != 0;
    if (!parse_headers(c, headers, c->keep)) {
        c->keep = false;
        return send_status(c, "400 Bad Request", "");
    }
    c->head_only = strcmp(head, "HEAD") == 0;
    if (!c->head_only && strcmp(head, "GET") != 0)
        return send_status(c, "405 Method Not Allowed", "Allow: GET, HEAD\r\n");
    const char *refused = decode_path(c, target);
    return refused != NULL ? send_status(c, refused, "") : send_file(c);
}

static void closing(void *arg)
{
    gort_any panic;
    if (gort_recover(&panic))
        fprintf(stderr, "httpd: a connection panicked\n");
    gort_close(((conn *)arg)->fd);
}

static void serve(int fd)
{
    conn c = {.fd = fd};
    GORT_SCOPE
    {
        gort_defer(closing, &c);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        for (bool more = true; more;) {
            char *end = memmem(c.in, c.have, "\r\n\r\n", 4);
            if (end != NULL) {
                size_t used = (size_t)(end + 4 - c.in);
                end[2] = '\0';
                more = handle(&c, c.in);
                memmove(c.in, c.in + used, c.have -= used);
            } else if (c.have == sizeof c.in) {
                more = send_status(&c, "431 Request Header Fields Too Large", "");
            } else {
                gort_set_read_deadline(fd, gort_nanotime() + idle);
                ssize_t n = gort_recv(fd, c.in + c.have, sizeof c.in - c.have, 0);
                more = n > 0;
                c.have += more ? (size_t)n : 0;
            }
        }
    }
}

static int run(int argc, char **argv)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons(8080)};
    socklen_t len = sizeof addr;
    for (int opt; (opt = getopt(argc, argv, "p:")) != -1;) {
        if (opt != 'p')
            return 2;
        addr.sin_port = htons((uint16_t)atoi(optarg));
    }
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = gort_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (chdir(optind < argc ? argv[optind] : ".") != 0 ||
        bind(fd, (struct sockaddr *)&addr, len) != 0 || gort_listen(fd, 4096) != 0) {
        perror("httpd");
        return 1;
    }
    getsockname(fd, (struct sockaddr *)&addr, &len);
    printf("serving http://127.0.0.1:%d/\n", ntohs(addr.sin_port));
    fflush(stdout);
    for (;;) {
        int client = gort_accept4(fd, NULL, NULL, SOCK_CLOEXEC);
        if (client >= 0)
            gort_go(serve, client);
        else if (errno == EMFILE || errno == ENFILE)
            gort_sleep(10 * GORT_MILLISECOND); /* some will be closed soon */
        else
            break;
    }
    perror("httpd: accept");
    return 1;
}

GORT_MAIN(run)
