/* httpd.c: an HTTP/1.1 server of the files below a folder.
 *
 *     httpd [DIR [PORT [IDLE]]]        DIR: .   PORT: 8080, 0 takes a free one   IDLE: 30 seconds
 *
 * Answers GET and HEAD, keeps connections open, serves index.html for a folder, and refuses names
 * that begin with a dot. What to look at: a goroutine for each connection, which reads from top to
 * bottom though thousands may be waiting; gort_set_deadline, which ends the wait for a client that
 * does nothing; a GORT_SCOPE, whose deferred function closes the connection and keeps a panic in
 * one from ending the others.
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

static int64_t idle; /* how long a connection may do nothing */

typedef struct {
    int fd;
    size_t have;       /* bytes in `in`: a request, maybe the next ones */
    char in[8 * 1024]; /* a request's head fits, or is refused */
    char out[32 * 1024];
    char path[1024]; /* of the request, decoded; begins with a slash */
    bool head_only, keep;
} conn;

/* Writes the head of an answer to c->out and returns its bytes. */
static size_t put_head(conn *c, const char *status, const char *type, off_t length)
{
    const char *allow = strncmp(status, "405", 3) == 0 ? "Allow: GET, HEAD\r\n" : "";
    return (size_t)sprintf(
        c->out, "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %lld\r\n%s%s\r\n", status, type,
        (long long)length, allow, c->keep ? "" : "Connection: close\r\n");
}

/* This, send_content, send_file and handle answer a request; true if the connection can take
 * another one. */
static bool send_status(conn *c, const char *status)
{
    size_t n = put_head(c, status, "text/plain", (off_t)strlen(status) + 1);
    n += c->head_only ? 0 : (size_t)sprintf(c->out + n, "%s\n", status);
    return gort_send(c->fd, c->out, n, 0) == (ssize_t)n && c->keep;
}

static const char *type_of(const char *path)
{
    static const char *const types[] = {
        ".html",    "text/html; charset=utf-8", ".css", "text/css", ".md", "text/plain", ".png",
        "image/png"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && i < sizeof types / sizeof *types; i += 2)
        if (strcmp(dot, types[i]) == 0)
            return types[i + 1];
    return "application/octet-stream";
}

static bool send_content(conn *c, int file, off_t left)
{
    size_t n = put_head(c, "200 OK", type_of(c->path), left);
    left = c->head_only ? 0 : left;
    do { /* the first part goes with the head */
        size_t room = sizeof c->out - n;
        ssize_t got = gort_read(file, c->out + n, (off_t)room < left ? room : (size_t)left);
        if (got < 0 || (got == 0 && left > 0))
            return false; /* it has become shorter than we said */
        left -= got;
        n += (size_t)got;
        gort_set_deadline(c->fd, gort_nanotime() + idle);
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
    bool ok, is_file = file >= 0 && fstat(file, &st) == 0 && S_ISREG(st.st_mode);
    ok = is_file ? send_content(c, file, st.st_size) : send_status(c, "404 Not Found");
    if (file >= 0)
        gort_close(file);
    return ok;
}

/* Decodes the target of a request into c->path. Returns NULL, or the status that refuses it. */
static const char *decode_path(conn *c, const char *s)
{
    size_t n = 0;
    while (*s != '\0' && *s != '?') {
        char ch = *s++;
        if (ch == '%' && isxdigit((unsigned char)s[0]) && isxdigit((unsigned char)s[1])) {
            ch = (char)strtol((char[]){s[0], s[1], '\0'}, NULL, 16);
            s += 2;
        }
        if (ch == '\0' || n >= sizeof c->path - sizeof "index.html")
            return "400 Bad Request";
        c->path[n++] = ch;
    }
    c->path[n] = '\0';
    return c->path[0] != '/' ? "400 Bad Request" : strstr(c->path, "/.") ? "403 Forbidden" : NULL;
}

/* The value of a header line, with what follows it, or NULL. */
static const char *header(const char *head, const char *name)
{
    for (size_t n = strlen(name); (head = strstr(head, "\r\n")) != NULL;)
        if (strncasecmp(head += 2, name, n) == 0 && head[n] == ':')
            return head + n + 1 + strspn(head + n + 1, " \t");
    return NULL;
}

static bool handle(conn *c, const char *head)
{
    char method[16] = "", target[2048], minor[2] = "";
    int parts = sscanf(head, "%15[A-Z] %2047s HTTP/1.%1[0-9]\r\n", method, target, minor);
    bool valid = parts == 3 && (minor[0] == '0' || header(head, "Host") != NULL);
    const char *wish = header(head, "Connection");
    c->keep = minor[0] != '0';
    if (wish != NULL)
        c->keep = c->keep ? strncasecmp(wish, "close", 5) != 0 : strncasecmp(wish, "keep", 4) == 0;
    if (!valid || header(head, "Content-Length") || header(head, "Transfer-Encoding"))
        c->keep = false; /* a body, which nobody here reads */
    c->head_only = valid && strcmp(method, "HEAD") == 0;
    bool known = c->head_only || strcmp(method, "GET") == 0;
    const char *refused = !valid   ? "400 Bad Request"
                          : !known ? "405 Method Not Allowed"
                                   : decode_path(c, target);
    return refused != NULL ? send_status(c, refused) : send_file(c);
}

static void closing(void *arg)
{
    if (gort_recover(NULL))
        fprintf(stderr, "httpd: a connection panicked\n");
    gort_close(((conn *)arg)->fd);
}

static void serve(int fd)
{
    conn c;
    c.fd = fd, c.have = 0; /* the rest would only cost memory */
    GORT_SCOPE
    {
        gort_defer(closing, &c);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        for (;;) {
            char *end;
            while ((end = memmem(c.in, c.have, "\r\n\r\n", 4)) == NULL) {
                gort_set_deadline(fd, gort_nanotime() + idle);
                ssize_t n = gort_recv(fd, c.in + c.have, sizeof c.in - c.have, 0);
                if (n <= 0) /* the end, the deadline, no room left */
                    return;
                c.have += (size_t)n;
            }
            end[2] = '\0';
            if (!handle(&c, c.in))
                return;
            size_t used = (size_t)(end + 4 - c.in);
            memmove(c.in, c.in + used, c.have -= used);
        }
    }
}

static int run(int argc, char **argv)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    addr.sin_port = htons((uint16_t)(argc > 2 ? atoi(argv[2]) : 8080));
    idle = (argc > 3 ? atoi(argv[3]) : 30) * GORT_SECOND;
    int fd = gort_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (chdir(argc > 1 ? argv[1] : ".") != 0 || bind(fd, (struct sockaddr *)&addr, len) != 0 ||
        gort_listen(fd, 4096) != 0)
        return perror("httpd"), 1;
    getsockname(fd, (struct sockaddr *)&addr, &len);
    dprintf(1, "serving http://127.0.0.1:%d/\n", ntohs(addr.sin_port));
    for (int client; (client = gort_accept4(fd, NULL, NULL, SOCK_CLOEXEC)) >= 0 || errno == EMFILE;)
        if (client >= 0)
            gort_go(serve, client);
        else
            gort_sleep(10 * GORT_MILLISECOND); /* some will be closed soon */
    return perror("httpd: accept"), 1;
}

GORT_MAIN(run)
