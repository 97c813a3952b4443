/* Random conversations over socket pairs and pipes, with deadlines that pass and closes that
 * interrupt: bytes arrive in order, and nobody waits for ever.
 *
 * usage: io SEED SECONDS */
#include <gort/go.h>
#include <gort/io.h>
#include <gort/time.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { TALKS = 40 };

static atomic_long moved, timeouts, interrupted;
static atomic_int running;
static uint64_t seed;
static int64_t until_ns;

static uint32_t next_random(uint64_t *s)
{
    *s = *s * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*s >> 33);
}

static void die(const char *what)
{
    printf("%s: %s (GORT_SEED=%llu)\n", what, strerror(errno), (unsigned long long)seed);
    exit(1);
}

/* Byte i of a stream is (unsigned char)(i * 7). */
static void talk(int fd, uint64_t random)
{
    unsigned char b[5000];
    size_t at = 0;
    uint32_t total = next_random(&random) % 200000;
    while (at < total) {
        size_t n = next_random(&random) % sizeof b + 1;
        for (size_t i = 0; i < n; i++)
            b[i] = (unsigned char)((at + i) * 7);
        if (gort_write(fd, b, n) != (ssize_t)n)
            break; /* the other side left */
        at += n;
        if (next_random(&random) % 8 == 0)
            gort_sleep(next_random(&random) % 200000);
    }
    if (gort_close(fd) != 0)
        die("close");
    running--;
}

/* No descriptor is made between an early close and the end of its reader, which would otherwise
 * read from whoever got the number. */
static atomic_int frozen, creating;

static void close_early(int fd, int64_t ns, atomic_int *reader_ended)
{
    gort_sleep(ns);
    frozen++;
    while (creating != 0)
        gort_gosched();
    if (gort_close(fd) != 0)
        die("early close");
    while (*reader_ended == 0)
        gort_gosched();
    frozen--;
    free(reader_ended);
    running--;
}

static void listen_to(int fd, uint64_t random)
{
    unsigned char b[7000];
    size_t at = 0;
    bool early = next_random(&random) % 4 == 0;
    atomic_int *ended = early ? calloc(1, sizeof *ended) : NULL;
    if (early) {
        running++;
        gort_go(close_early, fd, (int64_t)(next_random(&random) % 2000000), ended);
    }
    for (;;) {
        if (!early && next_random(&random) % 4 == 0 &&
            gort_set_read_deadline(fd, gort_nanotime() + next_random(&random) % 100000) != 0)
            die("deadline");
        ssize_t n = gort_read(fd, b, next_random(&random) % sizeof b + 1);
        if (n == 0)
            break;
        if (n < 0 && errno == ETIMEDOUT) {
            timeouts++;
            if (!early)
                gort_set_read_deadline(fd, 0);
            continue;
        }
        if (n < 0 && errno == EBADF && early) {
            interrupted++;
            break;
        }
        if (n < 0)
            die("read");
        for (ssize_t i = 0; i < n; i++)
            if (b[i] != (unsigned char)((at + (size_t)i) * 7))
                die("wrong byte");
        at += (size_t)n;
        moved += n;
    }
    if (early)
        *ended = 1;
    else if (gort_close(fd) != 0)
        die("close");
    running--;
}

static void start_talk(uint64_t *random)
{
    int s[2];
    bool as_pipe = next_random(random) % 2 == 0;
    creating = 1;
    while (frozen != 0) {
        creating = 0;
        gort_gosched();
        creating = 1;
    }
    if ((as_pipe ? gort_pipe(s) : gort_socketpair(AF_UNIX, SOCK_STREAM, 0, s)) != 0)
        die("pair");
    creating = 0;
    running += 2;
    gort_go(talk, s[1], *random ^ 1);
    gort_go(listen_to, s[0], *random ^ 2);
}

static int start(int argc, char **argv)
{
    seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    until_ns = gort_nanotime() + (argc > 2 ? atoll(argv[2]) : 2) * 1000000000;
    uint64_t random = seed;
    while (gort_nanotime() < until_ns) {
        if (running < TALKS * 2)
            start_talk(&random);
        else
            gort_sleep(100000);
    }
    while (running > 0)
        gort_sleep(1000000);
    printf("%ld bytes, %ld timeouts, %ld interrupted\n", moved, timeouts, interrupted);
    return 0;
}

GORT_MAIN(start)
