/* The options of GORACE, one after the other: the program runs itself. */
// expect: all options do what they say
// limit: 100
#include <gort.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

long shared, other, seen;
static char text[1 << 20], file[1 << 20];
static int wrong;

static bool busy, over;

#define APART __attribute__((noinline, noclone))

static APART void steps(void)
{
    seen++;
}

static APART void writes_both(void)
{
    shared = 1;
    other = 1;
}

/* Much more than the tool remembers with history_size=0, much less than with 7. */
static void calls(void)
{
    for (int i = 0; i < 400000; i++)
        steps();
}

static void child(void)
{
    writes_both();
    if (busy)
        calls();
    __atomic_store_n(&over, true, __ATOMIC_RELAXED); /* orders nothing */
}

/* Two races; none if it is to be clean; with much between the two sides if it is to be busy. */
static int race(int argc, char **argv)
{
    (void)argc;
    if (strcmp(argv[1], "clean") == 0)
        return 0;
    busy = strcmp(argv[1], "busy") == 0;
    gort_go(child);
    while (!__atomic_load_n(&over, __ATOMIC_RELAXED))
        gort_gosched();
    shared = 2;
    other = 2;
    puts("end");
    return 3;
}

static void read_all(int fd, char *to, size_t cap)
{
    size_t len = 0;
    ssize_t n;
    while ((n = read(fd, to + len, cap - 1 - len)) > 0)
        len += (size_t)n;
    to[len] = '\0';
    close(fd);
}

/* The exit status; what was printed is in text, `log`.PID, if there is one, in file. */
static int with(const char *options, const char *tool_options, const char *what, const char *self)
{
    int out[2], status;
    char path[64];
    char *args[] = {(char *)self, (char *)what, NULL};
    posix_spawn_file_actions_t to_us; /* instead of fork: see cases.h */
    pid_t pid;
    setenv("GOMAXPROCS", "1", 1);
    setenv("GORACE", options, 1);
    unsetenv("TSAN_OPTIONS");
    if (tool_options != NULL)
        setenv("TSAN_OPTIONS", tool_options, 1);
    if (pipe2(out, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&to_us) != 0 ||
        posix_spawn_file_actions_adddup2(&to_us, out[1], 1) != 0 ||
        posix_spawn_file_actions_adddup2(&to_us, out[1], 2) != 0 ||
        posix_spawn(&pid, self, &to_us, NULL, args, environ) != 0)
        abort();
    posix_spawn_file_actions_destroy(&to_us);
    close(out[1]);
    read_all(out[0], text, sizeof text);
    while (waitpid(pid, &status, 0) < 0)
        continue;
    snprintf(path, sizeof path, "log.%d", (int)pid);
    int fd = open(path, O_RDONLY);
    file[0] = '\0';
    if (fd >= 0)
        read_all(fd, file, sizeof file);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static unsigned count(const char *in, const char *what)
{
    unsigned n = 0;
    while ((in = strstr(in, what)) != NULL) {
        in++;
        n++;
    }
    return n;
}

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    wrong++;
    printf("wrong: %s\noutput:\n%s\nfile:\n%s\n", what, text, file);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    const char *self = argv[0];
    if (argc > 1)
        return gort_run(race, argc, argv);

    check(with("atexit_sleep_ms=0", NULL, "clean", self) == 0 && text[0] == '\0', "no race");
    check(with("atexit_sleep_ms=0", NULL, "race", self) == 66, "the default status is 66");
    check(count(text, "WARNING: DATA RACE\n") == 2 && count(text, "end\n") == 1 &&
              count(text, "Found 2 data race(s)\n") == 1,
          "both are reported, and the program goes on");
    check(strstr(text, "/race/options.c:") != NULL, "a file has its path");

    check(with("exitcode=7 atexit_sleep_ms=0", NULL, "race", self) == 7, "exitcode");
    check(with("exitcode=0 atexit_sleep_ms=0", NULL, "race", self) == 3, "exitcode=0: its own");
    check(with("exitcode=7 atexit_sleep_ms=0", "exitcode=8", "race", self) == 8,
          "TSAN_OPTIONS wins");

    check(with("halt_on_error=1 atexit_sleep_ms=0", NULL, "race", self) == 66 &&
              count(text, "WARNING: DATA RACE\n") == 1 && strstr(text, "Found") == NULL &&
              strstr(text, "end\n") == NULL,
          "halt_on_error");

    check(with("log_path=log atexit_sleep_ms=0", NULL, "race", self) == 66 &&
              strcmp(text, "end\n") == 0,
          "log_path: nothing is printed");
    check(count(file, "WARNING: DATA RACE\n") == 2 && count(file, "Found 2 data race(s)\n") == 1,
          "log_path: it is in the file");
    check(with("log_path=stdout atexit_sleep_ms=0", NULL, "race", self) == 66 &&
              count(text, "WARNING: DATA RACE\n") == 2,
          "log_path=stdout");

    check(with("strip_path_prefix=test/ atexit_sleep_ms=0", NULL, "race", self) == 66 &&
              strstr(text, "      race/options.c:") != NULL && strstr(text, "test/") == NULL,
          "strip_path_prefix");

    (void)with("history_size=0 atexit_sleep_ms=0", NULL, "busy", self);
    check(strstr(text, "end\n") != NULL && strstr(text, "writes_both()") == NULL,
          "history_size=0: the first side is forgotten");
    check(with("history_size=7 atexit_sleep_ms=0", NULL, "busy", self) == 66 &&
              strstr(text, "writes_both()") != NULL,
          "history_size=7: it is remembered");
    check(with("history_size=8 atexit_sleep_ms=0", NULL, "race", self) != 0 &&
              strstr(text, "incorrect value for history_size") != NULL,
          "history_size=8 does not exist");

    double began = seconds();
    check(with("atexit_sleep_ms=2500", NULL, "race", self) == 66, "atexit_sleep_ms");
    check(seconds() - began >= 2.5, "atexit_sleep_ms: it sleeps");

    check(with("no_such_option=1 atexit_sleep_ms=0", NULL, "race", self) == 66,
          "an unknown option is ignored");
    if (wrong == 0)
        puts("all options do what they say");
    return wrong != 0;
}
