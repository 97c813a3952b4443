/* Tests of src/io on goroutines: what parks, what wakes it, and libc's corner cases. */
#include <criterion/criterion.h>

#include "io/io.h"
#include "support.h"

#include <gort/go.h>
#include <gort/time.h>

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ll

/* A test whose body runs as goroutine 1. */
#define IO_TEST(name)                                                                              \
    static void body_##name(void);                                                                 \
    Test(io, name)                                                                                 \
    {                                                                                              \
        cr_expect(in_gort(body_##name) == 0);                                                      \
    }                                                                                              \
    static void body_##name(void)

static int pair[2];

static void open_pair(void)
{
    cr_expect(gort_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
}

static au32 written, ended;

static void write_later(int fd, int64_t ns)
{
    gort_sleep(ns);
    cr_expect(gort_write(fd, "late", 4) == 4);
    add_seq(&written, 1u);
}

IO_TEST(a_read_waits_for_data)
{
    char b[8];
    open_pair();
    gort_go(write_later, pair[1], 10 * MS);
    cr_expect(gort_read(pair[0], b, sizeof b) == 4);
    cr_expect(memcmp(b, "late", 4) == 0);
    cr_expect(gort_recv(pair[0], b, 8, MSG_DONTWAIT) == -1 && errno == EAGAIN);
    gort_close(pair[1]);
    cr_expect(gort_read(pair[0], b, sizeof b) == 0);
    cr_expect(gort_close(pair[0]) == 0);
    cr_expect(gort_close(pair[0]) == -1 && errno == EBADF);
    cr_expect(gort_read(pair[0], b, 1) == -1 && errno == EBADF);
    cr_expect(gort_read(-1, b, 1) == -1 && errno == EBADF);
}

IO_TEST(a_deadline_ends_a_read_and_can_be_moved)
{
    char b[8];
    open_pair();
    int64_t start = gort_nanotime();
    cr_expect(gort_set_read_deadline(pair[0], start + 20 * MS) == 0);
    cr_expect(gort_read(pair[0], b, 8) == -1 && errno == ETIMEDOUT);
    cr_expect(gort_nanotime() - start >= 20 * MS);
    cr_expect(gort_read(pair[0], b, 8) == -1 && errno == ETIMEDOUT, "it stays so");
    cr_expect(gort_write(pair[0], b, 8) == 8, "the other direction is free");
    cr_expect(gort_set_deadline(pair[0], 0) == 0);
    gort_go(write_later, pair[1], 5 * MS);
    cr_expect(gort_read(pair[0], b, 8) == 4);
    cr_expect(gort_set_deadline(pair[0], 1) == 0, "in the past");
    cr_expect(gort_write(pair[0], b, 8) == -1 && errno == ETIMEDOUT);
}

static void set_deadline_later(int fd, int64_t ns)
{
    gort_sleep(ns);
    cr_expect(gort_set_read_deadline(fd, 1) == 0);
}

IO_TEST(a_deadline_reaches_a_read_that_waits_already)
{
    char b[8];
    open_pair();
    gort_go(set_deadline_later, pair[0], 5 * MS);
    cr_expect(gort_read(pair[0], b, 8) == -1 && errno == ETIMEDOUT);
}

static void read_until_closed(int fd)
{
    char b[8];
    cr_expect(gort_read(fd, b, 8) == -1 && errno == EBADF);
    add_seq(&ended, 1u);
}

IO_TEST(close_wakes_all_who_wait)
{
    open_pair();
    for (int i = 0; i < 10; i++)
        gort_go(read_until_closed, pair[0]);
    gort_sleep(10 * MS); /* one that comes later finds it closed */
    cr_expect(gort_close(pair[0]) == 0);
    while (load_seq(&ended) < 10)
        gort_sleep(1 * MS);
    int fd;
    while ((fd = gort_socket(AF_INET, SOCK_STREAM, 0)) !=
           pair[0]) /* free again, but for the monitor */
        gort_close(fd);
    gort_close(fd);
}

static void write_much(int fd, size_t n)
{
    char *b = calloc(1, n);
    cr_expect(gort_write(fd, b, n) == (ssize_t)n);
    free(b);
    gort_close(fd);
}

IO_TEST(a_write_goes_on_until_all_is_written)
{
    enum { MUCH = 8 << 20 };
    size_t sum = 0;
    ssize_t n;
    char *b = malloc(1 << 16);
    open_pair();
    gort_go(write_much, pair[1], MUCH);
    while ((n = gort_read(pair[0], b, 1 << 16)) > 0)
        sum += (size_t)n;
    cr_expect(sum == MUCH && n == 0);
    int p[2];
    cr_expect(gort_pipe(p) == 0);
    gort_go(write_much, p[1], MUCH);
    for (sum = 0; (n = gort_read(p[0], b, 1 << 16)) > 0;)
        sum += (size_t)n;
    cr_expect(sum == MUCH && n == 0);
    free(b);
}

static void writev_much(int fd)
{
    static char a[300000], b[500000], c[7];
    struct iovec v[] = {{a, sizeof a}, {NULL, 0}, {b, sizeof b}, {c, sizeof c}};
    cr_expect(gort_writev(fd, v, 4) == 800007);
    struct msghdr h = {.msg_iov = v, .msg_iovlen = 4};
    cr_expect(gort_sendmsg(fd, &h, 0) == 800007);
    gort_close(fd);
}

IO_TEST(vectors_are_written_whole_and_waitall_reads_whole)
{
    char *b = malloc(1 << 20);
    open_pair();
    gort_go(writev_much, pair[1]);
    cr_expect(gort_recv(pair[0], b, 800007, MSG_WAITALL) == 800007);
    size_t sum = 0;
    ssize_t n;
    struct iovec v[] = {{b, 1000}, {b + 1000, 1 << 16}};
    while ((n = gort_readv(pair[0], v, 2)) > 0)
        sum += (size_t)n;
    cr_expect(sum == 800007);
    free(b);
}

IO_TEST(writing_to_nobody_is_EPIPE_without_a_signal)
{
    open_pair();
    gort_close(pair[0]);
    cr_expect(gort_write(pair[1], "x", 1) == -1 && errno == EPIPE);
    cr_expect(gort_send(pair[1], "x", 1, 0) == -1 && errno == EPIPE);
}

IO_TEST(datagrams_keep_their_bounds)
{
    char b[16];
    cr_expect(gort_socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    cr_expect(gort_send(pair[0], "one", 3, 0) == 3);
    cr_expect(gort_sendto(pair[0], "four", 4, 0, NULL, 0) == 4);
    cr_expect(gort_recvfrom(pair[1], b, 16, 0, NULL, NULL) == 3);
    cr_expect(gort_read(pair[1], b, 16) == 4);
}

IO_TEST(flags_are_the_programs_own)
{
    int p[2];
    cr_expect(gort_pipe(p) == 0);
    cr_expect((fcntl(p[0], F_GETFL) & O_NONBLOCK) != 0);
    cr_expect((gort_fcntl(p[0], F_GETFL, 0) & O_NONBLOCK) == 0);
    cr_expect(!gort_fd_nonblocking(p[0]));
    cr_expect(gort_fcntl(p[0], F_SETFL, O_NONBLOCK) == 0);
    cr_expect(gort_fd_nonblocking(p[0]));
    cr_expect((gort_fcntl(p[0], F_GETFL, 0) & O_NONBLOCK) != 0);
    cr_expect(gort_fcntl(p[0], F_SETFL, 0) == 0);
    cr_expect((fcntl(p[0], F_GETFL) & O_NONBLOCK) != 0);
    open_pair();
    cr_expect((fcntl(pair[0], F_GETFL) & O_NONBLOCK) == 0);
}

IO_TEST(a_plain_pipe_is_classified_at_first_use)
{
    int p[2];
    char b[8];
    cr_expect(pipe(p) == 0);
    gort_go(write_later, p[1], 5 * MS);
    cr_expect(gort_read(p[0], b, 8) == 4);
}

IO_TEST(regular_files_work_and_have_no_deadline)
{
    char name[] = "/tmp/gort-io-XXXXXX", b[8];
    int fd = mkstemp(name);
    cr_expect(gort_write(fd, "hello", 5) == 5);
    cr_expect(gort_pwrite(fd, "J", 1, 0) == 1);
    cr_expect(gort_pread(fd, b, 8, 0) == 5 && memcmp(b, "Jello", 5) == 0);
    cr_expect(gort_fsync(fd) == 0);
    cr_expect(gort_set_deadline(fd, 1) == -1 && errno == ENOTSUP);
    cr_expect(gort_close(fd) == 0);
    fd = gort_open(name, O_RDONLY, 0);
    cr_expect(gort_read(fd, b, 8) == 5 && gort_read(fd, b, 8) == 0);
    gort_close(fd);
    unlink(name);
    cr_expect(gort_open("/nowhere/at/all", O_RDONLY, 0) == -1 && errno == ENOENT);
}

/* With an idle processor the monitor opens no files, to see what a thread does that seems to stand still. */
IO_TEST(a_number_closed_behind_our_back_is_noticed)
{
    char b[8];
    gort_gomaxprocs(2);
    open_pair();
    cr_expect(gort_write(pair[0], "x", 1) == 1);
    close(pair[0]);
    cr_expect(gort_read(pair[0], b, 1) == -1 && errno == EBADF);
    int fd = open("/dev/zero", O_RDONLY);
    cr_expect(fd == pair[0]);
    cr_expect(gort_read(fd, b, 8) == 8);
    int fresh[2], old = pair[1];
    close(old);
    cr_expect(pipe(fresh) == 0 && fresh[0] == old, "a pipe where a socket was");
    cr_expect(gort_write(fresh[1], "y", 1) == 1 && gort_read(old, b, 8) == 1);
}

IO_TEST(poll_waits_for_several)
{
    int p[2];
    open_pair();
    cr_expect(gort_pipe(p) == 0);
    struct pollfd f[] = {{pair[0], POLLIN, 0}, {-1, POLLIN, 0}, {p[0], POLLIN, 0}};
    int64_t start = gort_nanotime();
    cr_expect(gort_poll(f, 3, 20) == 0 && gort_nanotime() - start >= 20 * MS);
    gort_go(write_later, p[1], 5 * MS);
    cr_expect(gort_poll(f, 3, -1) == 1 && f[2].revents == POLLIN && f[0].revents == 0);
    struct pollfd twice[] = {{pair[0], POLLIN, 0}, {pair[0], POLLOUT, 0}};
    cr_expect(gort_poll(twice, 2, -1) == 1 && twice[1].revents == POLLOUT);
    cr_expect(gort_poll(NULL, 0, 5) == 0);
}

IO_TEST(epoll_wait_parks)
{
    open_pair();
    int ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = 7};
    cr_expect(epoll_ctl(ep, EPOLL_CTL_ADD, pair[0], &e) == 0);
    cr_expect(gort_epoll_wait(ep, &e, 1, 0) == 0);
    cr_expect(gort_epoll_wait(ep, &e, 1, 5) == 0);
    gort_go(write_later, pair[1], 5 * MS);
    cr_expect(gort_epoll_wait(ep, &e, 1, -1) == 1 && e.data.fd == 7);
    gort_close(ep);
}

IO_TEST(terminals_are_left_as_they_are)
{
    int master, slave;
    char b[8];
    if (openpty(&master, &slave, NULL, NULL, NULL) != 0)
        return;
    gort_go(write_later, master, 5 * MS);
    gort_go(write_later, master, 10 * MS);
    gort_sleep(0);
    cr_expect(gort_set_read_deadline(slave, gort_nanotime() + 50 * MS) == 0);
    cr_expect(gort_read(slave, b, 8) == -1 && errno == ETIMEDOUT, "no line came");
    cr_expect((fcntl(slave, F_GETFL) & O_NONBLOCK) == 0);
    cr_expect(gort_set_read_deadline(slave, 0) == 0);
    while (load_seq(&written) < 2)
        gort_sleep(1 * MS);
    cr_expect(gort_write(master, "\n", 1) == 1);
    cr_expect(gort_read(slave, b, 8) == 8);
}

IO_TEST(children_are_waited_for)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct timespec ts = {0, 10000000};
        syscall(SYS_nanosleep, &ts, NULL);
        _exit(7);
    }
    cr_expect(gort_waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7);
    cr_expect(gort_waitpid(child, &status, 0) == -1 && errno == ECHILD);
}

/* Loopback by number needs no file of the machine; by name the answer is libc's, whatever it is. */
IO_TEST(names_are_found_as_libc_finds_them)
{
    struct addrinfo *res = NULL, *same = NULL, hints = {.ai_socktype = SOCK_STREAM};
    cr_expect(gort_getaddrinfo("127.0.0.1", "80", &hints, &res) == 0 && res != NULL);
    freeaddrinfo(res);
    int want = getaddrinfo("localhost", "80", &hints, &same);
    cr_expect_eq(gort_getaddrinfo("localhost", "80", &hints, &res), want);
    if (want == 0) {
        cr_expect(res->ai_addrlen == same->ai_addrlen &&
                  memcmp(res->ai_addr, same->ai_addr, same->ai_addrlen) == 0);
        freeaddrinfo(res);
        freeaddrinfo(same);
    }
    cr_expect(gort_getaddrinfo("localhost", "no such service", &hints, &res) != 0);
}

static struct sockaddr_in listen_here(int *listener)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    *listener = gort_socket(AF_INET, SOCK_STREAM, 0);
    cr_expect(bind(*listener, (struct sockaddr *)&a, sizeof a) == 0);
    cr_expect(gort_listen(*listener, 16) == 0);
    getsockname(*listener, (struct sockaddr *)&a, &len);
    return a;
}

IO_TEST(accept_without_descriptors_left_is_EMFILE)
{
    int listener;
    struct sockaddr_in a = listen_here(&listener);
    int fd = gort_socket(AF_INET, SOCK_STREAM, 0);
    cr_expect(gort_connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    struct rlimit lim, few;
    getrlimit(RLIMIT_NOFILE, &lim);
    few = lim;
    few.rlim_cur = (rlim_t)fd + 1;
    setrlimit(RLIMIT_NOFILE, &few);
    cr_expect(gort_accept(listener, NULL, NULL) == -1 && errno == EMFILE);
    setrlimit(RLIMIT_NOFILE, &lim);
    int conn = gort_accept(listener, NULL, NULL);
    cr_expect(conn >= 0);
    cr_expect(gort_set_read_deadline(listener, gort_nanotime() + 5 * MS) == 0);
    cr_expect(gort_accept(listener, NULL, NULL) == -1 && errno == ETIMEDOUT);
}

/* The data and the end arrive together; the short read must not hide the end. */
IO_TEST(the_end_is_seen_behind_a_short_read)
{
    int listener;
    char b[64];
    struct sockaddr_in a = listen_here(&listener);
    for (int i = 0; i < 300; i++) {
        int fd = gort_socket(AF_INET, SOCK_STREAM, 0);
        cr_expect(gort_connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
        int conn = gort_accept(listener, NULL, NULL);
        cr_expect(gort_write(fd, "first", 5) == 5);
        cr_expect(gort_read(conn, b, 64) == 5);
        cr_expect(gort_write(fd, "x", 1) == 1);
        if (i % 3 == 0)
            gort_sleep(50000);
        gort_close(fd);
        cr_expect(gort_read(conn, b, 64) == 1);
        cr_expect(gort_read(conn, b, 64) == 0);
        gort_close(conn);
    }
}

/* Urgent data splits the stream: a read stops before the mark with more behind it. */
IO_TEST(bytes_behind_urgent_data_are_read)
{
    int listener;
    char b[64];
    struct sockaddr_in a = listen_here(&listener);
    int fd = gort_socket(AF_INET, SOCK_STREAM, 0);
    cr_expect(gort_connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    int conn = gort_accept(listener, NULL, NULL);
    cr_expect(gort_write(fd, "ab", 2) == 2);
    cr_expect(gort_send(fd, "!", 1, MSG_OOB) == 1);
    cr_expect(gort_write(fd, "cd", 2) == 2);
    gort_sleep(5 * MS);
    cr_expect(gort_read(conn, b, 64) == 2);
    cr_expect(gort_read(conn, b, 64) == 2);
}

/* ---- announced names */

static void sleep_in_libc(int64_t ns)
{
    struct timespec want = {ns / 1000000000, ns % 1000000000};
    int64_t start = gort_nanotime();
    cr_expect(nanosleep(&want, NULL) == 0);
    cr_expect(gort_nanotime() - start >= ns);
    add_seq(&ended, 1u);
}

static au32 asleep;

static void sleep_for_ever(void)
{
    add_seq(&asleep, 1u);
    sleep(1000000);
    cr_expect(false, "nobody woke it");
}

/* Eight who sleep for ever leave the only processor to eight who do not, and to this loop. */
IO_TEST(a_sleep_of_libcs_is_whole_and_holds_nobody_up)
{
    gort_gomaxprocs(1);
    for (int i = 0; i < 8; i++) {
        gort_go(sleep_for_ever);
        gort_go(sleep_in_libc, 100 * MS);
    }
    while (load_seq(&asleep) < 8 || load_seq(&ended) < 8)
        gort_sleep(1 * MS);
}

IO_TEST(announced_calls_answer_as_libcs)
{
    struct timeval tv = {0, 2000};
    struct timespec ts = {0, 2000000};
    int p[2];
    cr_expect(pipe(p) == 0);
    struct pollfd f = {p[0], POLLIN, 0};
    cr_expect(poll(&f, 1, 2) == 0 && ppoll(&f, 1, &ts, NULL) == 0 && ts.tv_nsec == 2000000);
    fd_set r;
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    cr_expect(select(p[0] + 1, &r, NULL, NULL, &tv) == 0 && tv.tv_usec == 0);
    cr_expect(write(p[1], "x", 1) == 1);
    FD_SET(p[0], &r);
    cr_expect(pselect(p[0] + 1, &r, NULL, NULL, NULL, NULL) == 1 && FD_ISSET(p[0], &r));
    cr_expect(poll(&f, 1, -1) == 1 && f.revents == POLLIN);
    cr_expect(usleep(1000) == 0 && sleep(0) == 0);
    ts.tv_nsec = -1;
    cr_expect(nanosleep(&ts, NULL) == -1 && errno == EINVAL);
    cr_expect(clock_nanosleep(CLOCK_MONOTONIC, 0, &ts, NULL) == EINVAL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    ts.tv_nsec = 1000;
    cr_expect(sigtimedwait(&set, NULL, &ts) == -1 && errno == EAGAIN);
}

/* ---- threads that are not the runtime's */

static void *on_a_thread(void *arg)
{
    char b[8];
    cr_expect(!gort_on_goroutine());
    cr_expect(gort_write(pair[1], "abcd", 4) == 4);
    cr_expect(gort_read(pair[0], b, 8) == 4);
    int p[2];
    cr_expect(gort_pipe(p) == 0 && gort_write(p[1], "x", 1) == 1 && gort_read(p[0], b, 8) == 1);
    cr_expect(gort_close(p[0]) == 0 && gort_close(p[1]) == 0);
    cr_expect(gort_set_deadline(pair[0], 1) == -1 && errno == ENOTSUP);
    return arg;
}

IO_TEST(threads_of_the_program_wait_themselves)
{
    pthread_t t;
    open_pair();
    cr_expect(gort_on_goroutine());
    pthread_create(&t, NULL, on_a_thread, NULL);
    pthread_join(t, NULL);
}

Test(io, before_the_runtime_starts)
{
    cr_assert(gort_socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    on_a_thread(NULL);
    cr_expect(gort_close(pair[0]) == 0);
    cr_expect(usleep(1000) == 0);
}

static void *sleep_long(void *arg)
{
    sleep(1000);
    return arg;
}

Test(io, a_sleeping_thread_can_be_cancelled)
{
    pthread_t t;
    void *result;
    pthread_create(&t, NULL, sleep_long, NULL);
    usleep(10000);
    pthread_cancel(t);
    pthread_join(t, &result);
    cr_expect(result == PTHREAD_CANCELED);
}
