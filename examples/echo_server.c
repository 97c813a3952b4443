/* echo_server.c: sends back what it is sent, to any number of connections at once.
 *
 *     echo_server [PORT]        PORT: 7007; 0 takes a free one. Prints the port that it listens on.
 *
 * What to look at: the code of a server that has only one client, and a gort_go. gort_accept and
 * gort_recv look as if they blocked, but only the goroutine waits; ten thousand quiet connections
 * cost ten thousand small stacks and no thread. echo_load.c is the other end.
 */
#include <gort.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

static void serve(int fd)
{
    char buf[16 * 1024];
    ssize_t n;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    while ((n = gort_recv(fd, buf, sizeof buf, 0)) > 0)
        if (gort_send(fd, buf, (size_t)n, 0) != n) /* sends all, or fails */
            break;
    gort_close(fd);
}

/* A socket that listens on the loopback interface. */
static int listen_on(uint16_t port)
{
    struct sockaddr_in addr = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = gort_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) != 0 || gort_listen(fd, 4096) != 0) {
        perror("echo_server");
        exit(1);
    }
    getsockname(fd, (struct sockaddr *)&addr, &len);
    printf("listening on 127.0.0.1:%d\n", ntohs(addr.sin_port));
    fflush(stdout);
    return fd;
}

static int run(int argc, char **argv)
{
    int listener = listen_on((uint16_t)(argc > 1 ? atoi(argv[1]) : 7007));
    for (;;) {
        int fd = gort_accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0)
            gort_go(serve, fd);
        else if (errno == EMFILE || errno == ENFILE)
            gort_sleep(10 * GORT_MILLISECOND); /* some will be closed soon */
        else
            break;
    }
    perror("accept");
    return 1;
}

GORT_MAIN(run)
