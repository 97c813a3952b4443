/* echo.c: a server that sends back what it reads, a goroutine per connection. */
#include "rows.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static void echo(int fd)
{
    char buf[4096];
    ssize_t n;
    while ((n = gort_read(fd, buf, sizeof buf)) > 0)
        if (gort_write(fd, buf, (size_t)n) != n)
            break;
    gort_close(fd);
}

static int listen_local(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd >= 0, "no socket");
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    check(bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "cannot bind");
    check(listen(fd, 4096) == 0, "cannot listen");
    check(getsockname(fd, (struct sockaddr *)&at, &len) == 0, "no port");
    printf("%d\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

/* Prints its port and answers until it is killed. */
int echo_serve(void)
{
    int fd = listen_local(), one = 1;
    for (;;) {
        int c = gort_accept(fd, NULL, NULL);
        check(c >= 0, "cannot accept");
        setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        gort_go(echo, c);
    }
}
