/* cases.h: a program that runs itself for each of its cases and looks at what was printed; with one processor
 * and with several. Each case has two sides, A and B. In its clean way they are ordered, and nothing may be
 * reported; in its racy ways they are not, and one race must be, whichever side comes first.
 *
 * The racy accesses are never made at the same time: of two at the very same moment the tool may see neither.
 * One side waits until the other is through, by a relaxed atomic and gort_gosched, which order nothing. And each
 * variable that is raced for fills eight bytes: of that many the tool keeps four accesses, and forgets any
 * one of them when there is a fifth.
 */
#ifndef RACE_CASES_H
#define RACE_CASES_H

#include <gort.h>

#include <fcntl.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum side { A, B };
enum { CLEAN = 1, A_FIRST = 2, B_FIRST = 4, RACY = A_FIRST | B_FIRST, ALL = CLEAN | RACY };
struct test_case {
    const char *name;
    void (*fn)(void);
    unsigned ways;
};
extern const struct test_case cases[];
extern const int ncases;
#define CASE_OF(name, ways)                                                                        \
    {                                                                                              \
#name, name, ways                                                                          \
    }
#define CASE(name) CASE_OF(name, ALL)

static bool racy;
static enum side first;
static bool turned;
long shared; /* not static: what is never read otherwise must stay */
static gort_waitgroup both;
static __attribute__((unused)) gort_chan *ch, *ch2;

#define UNSEEN __attribute__((noinline, unused, no_sanitize("thread")))

/* The racy access of a side stands between these two. */
static UNSEEN void my_turn(enum side s)
{
    while (racy && s != first && !__atomic_load_n(&turned, __ATOMIC_RELAXED))
        gort_gosched();
}

static UNSEEN void your_turn(enum side s)
{
    if (s == first)
        __atomic_store_n(&turned, true, __ATOMIC_RELAXED);
}

static void touch(enum side s)
{
    my_turn(s);
    shared++;
    your_turn(s);
}

static inline gort_chan *chan(size_t cap)
{
    return gort_chan_make(gort_typeof(long), cap);
}

static inline void send(gort_chan *c)
{
    gort_chan_send(c, &(long){1});
}

static inline void recv(gort_chan *c)
{
    long v;
    (void)gort_chan_recv(c, &v);
}

static void run_two(void (*a)(enum side), void (*b)(enum side))
{
    gort_waitgroup_add(&both, 2);
    gort_go(a, A);
    gort_go(b, B);
    gort_waitgroup_wait(&both);
}

/* B is there first, where there is one processor: the last to be made runs next. */
static inline void run_two_back(void (*a)(enum side), void (*b)(enum side))
{
    gort_waitgroup_add(&both, 2);
    gort_go(b, B);
    gort_go(a, A);
    gort_waitgroup_wait(&both);
}

static void done(void)
{
    gort_waitgroup_done(&both);
}

static inline void caught(void *arg)
{
    (void)arg;
    gort_recover(NULL);
}

static inline void touch_send(enum side s)
{
    touch(s);
    send(ch);
    done();
}

static inline void recv_touch(enum side s)
{
    if (racy)
        touch(s);
    recv(ch);
    if (!racy)
        touch(s);
    done();
}

/* ---- running them */
static const struct {
    const char *name;
    unsigned way;
} ways[] = {{"clean", CLEAN}, {"a", A_FIRST}, {"b", B_FIRST}};

static int run_case(int argc, char **argv)
{
    (void)argc;
    racy = strcmp(argv[2], "clean") != 0;
    first = strcmp(argv[2], "b") == 0 ? B : A;
    for (int i = 0; i < ncases; i++)
        if (strcmp(cases[i].name, argv[1]) == 0)
            cases[i].fn();
    return 0;
}

/* The wait status; what was printed is in text. Instead of fork: the tool has a thread of its own, and a child that
 * begins while that holds a lock of the tool's may wait for it for ever. */
static int run_self(const char *self, const char *name, const char *how, const char *procs,
                    char *text, size_t cap)
{
    int out[2], status;
    size_t len = 0;
    ssize_t n;
    char *args[] = {(char *)self, (char *)name, (char *)how, NULL};
    posix_spawn_file_actions_t to_us;
    pid_t child;
    setenv("GOMAXPROCS", procs, 1);
    setenv("GORACE", "atexit_sleep_ms=0", 1);
    unsetenv("TSAN_OPTIONS");
    if (pipe2(out, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&to_us) != 0 ||
        posix_spawn_file_actions_adddup2(&to_us, out[1], 1) != 0 ||
        posix_spawn_file_actions_adddup2(&to_us, out[1], 2) != 0 ||
        posix_spawn(&child, self, &to_us, NULL, args, environ) != 0)
        abort();
    posix_spawn_file_actions_destroy(&to_us);
    close(out[1]);
    while ((n = read(out[0], text + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    close(out[0]);
    while (waitpid(child, &status, 0) < 0)
        continue;
    return status;
}

static bool expected(int status, const char *text, bool with_race)
{
    if (!with_race)
        return status == 0 && text[0] == '\0';
    return WIFEXITED(status) && WEXITSTATUS(status) == 66 &&
           strstr(text, "WARNING: DATA RACE\n") != NULL &&
           strstr(text, "Found 1 data race(s)\n") != NULL && strstr(text, "goroutine ") != NULL &&
           strstr(text, "failed to restore") == NULL && strstr(text, " created at:\n  ") != NULL &&
           strstr(text, "ThreadSanitizer") == NULL;
}

static bool verdict(const char *self, const struct test_case *c, int way, const char *procs)
{
    static char text[1 << 20];
    int status = run_self(self, c->name, ways[way].name, procs, text, sizeof text);
    if (expected(status, text, ways[way].way != CLEAN))
        return true;
    printf("%s %s GOMAXPROCS=%s: wait status %#x\n%s\n", c->name, ways[way].name, procs, status,
           text);
    return false;
}

int main(int argc, char **argv)
{
    int runs = 0, wrong = 0;
    if (argc > 2)
        return gort_run(run_case, argc, argv);
    for (int i = 0; i < ncases; i++) {
        for (int way = 0; way < 3; way++) {
            if ((cases[i].ways & ways[way].way) == 0)
                continue;
            wrong += !verdict(argv[0], &cases[i], way, "1");
            wrong += !verdict(argv[0], &cases[i], way, "4");
            runs += 2;
        }
    }
    printf(wrong == 0 ? "%d runs, all as expected\n" : "%d runs, some wrong\n", runs);
    return wrong != 0;
}

#endif
