/* A connection is accepted when there is no memory to note it: it is not lost, and known once there is some. */
// only-on: faults
// env: GORT_FAULT=vm_map:9999999
// Nobody else needs memory meanwhile, as for a thread.
// env: GOMAXPROCS=2
// env: GODEBUG=asyncpreemptoff=1
#include <gort.h>
#include <gort/io.h>
#include <gort/panic.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    FAR = 5000
}; /* so far from the accepted number that the two are noted in different memory */

/* A call that has to work for the rest to mean anything. */
static int must(int r)
{
    if (r < 0)
        gort_panicf("must: %s", strerror(errno));
    return r;
}

/* The setting is looked at each time, so one that is changed in place holds from now on. */
static void refuse_memory(bool refuse)
{
    char *from = strchr(getenv("GORT_FAULT"), ':') + 1;
    from[1] = refuse ? '+' : '9';
    from[0] = refuse ? '1' : '9';
}

static int run(int argc, char **argv)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    struct rlimit limit;
    char c = 0;
    (void)argc;
    (void)argv;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int near = must(socket(AF_INET, SOCK_STREAM, 0)),
        client = must(socket(AF_INET, SOCK_STREAM, 0));
    must(bind(near, (struct sockaddr *)&a, sizeof a));
    must(listen(near, 4));
    must(getsockname(near, (struct sockaddr *)&a, &len));
    must(connect(client, (struct sockaddr *)&a, len));
    int listener = must(dup2(near, FAR));
    must(gort_set_deadline(listener, 0)); /* it is noted */
    refuse_memory(true);
    int fd = gort_accept(listener, NULL, NULL);
    printf("accept: %s\n", fd >= 0 ? "done" : strerror(errno)); // expect: accept: done
    ssize_t n = gort_write(fd, "x", 1);
    printf("write: %s\n",
           n == 1 ? "done" : strerror(errno)); // expect: write: Cannot allocate memory
    refuse_memory(false);
    n = gort_write(fd, "y", 1);
    printf("write: %s\n", n == 1 ? "done" : strerror(errno)); // expect: write: done
    must((int)read(client, &c, 1));
    printf("got %c\n", c); // expect: got y
    return 0;
}
GORT_MAIN(run)
