/* support.c: running the code under test as a goroutine, or in a process of its own; time limits.
 */
#include "base/track.h"
#include "support.h"

#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

int gort_run(int (*fn)(int argc, char **argv), int argc, char **argv);

enum { LIMIT_SECONDS = 60 };

/* Gives each test that names no time limit the common one; Criterion's own option does not. */
ReportHook(PRE_ALL)(struct criterion_test_set *all)
{
    const char *said = getenv("GORT_TEST_SECONDS");
    double limit = said != NULL ? strtod(said, NULL) : LIMIT_SECONDS;
    FOREACH_SET(struct criterion_suite_set * suite, all->suites)
    {
        FOREACH_SET(struct criterion_test * test, suite->tests)
        {
            if (test->data->timeout <= 0)
                test->data->timeout = limit;
        }
    }
}

static void (*body)(void);

static int first_goroutine(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    body();
    return 0;
}

int in_gort(void (*fn)(void))
{
    static char name[] = "test";
    static char *argv[] = {name, NULL};
    body = fn;
    track_not = TRACK_HEAP;
    return gort_run(first_goroutine, 1, argv);
}

static void must(int ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

static void become_child(void (*fn)(void), const int ends[2])
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    close(ends[0]);
    close(ends[1]);
    fn();
    fflush(NULL);
    _exit(0);
}

static char *read_all(int fd)
{
    size_t len = 0, cap = 4096;
    char *text = malloc(cap);
    must(text != NULL, "malloc");
    for (;;) {
        ssize_t n = read(fd, text + len, cap - len - 1);
        must(n >= 0, "read");
        if (n == 0)
            break;
        len += (size_t)n;
        if (cap - len < 2048)
            text = realloc(text, cap *= 2);
        must(text != NULL, "realloc");
    }
    text[len] = '\0';
    return text;
}

void run_forked(void (*fn)(void), char **output, int *status)
{
    int ends[2];
    must(pipe(ends) == 0, "pipe");
    fflush(NULL);
    pid_t child = fork();
    must(child >= 0, "fork");
    if (child == 0)
        become_child(fn, ends);
    close(ends[1]);
    char *text = read_all(ends[0]);
    close(ends[0]);
    must(waitpid(child, status, 0) == child, "waitpid");
    if (output != NULL)
        *output = text;
    else
        free(text);
}
