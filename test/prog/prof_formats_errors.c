/* Profiles that cannot be written: -1 with errno, and nothing is kept of them. */
// expect: full: -1 No space left on device
// expect: full, text: -1 No space left on device
// expect: pipe: -1 Broken pipe
// expect: closed: -1 Bad file descriptor
// expect: read only: -1 Bad file descriptor
// expect: unknown: -1 No such file or directory
// expect: no name: -1 No such file or directory
// expect: delta of own: -1 Invalid argument
// expect: delta of unknown: -1 No such file or directory
// expect: delta of no time: -1 Invalid argument
// expect: delta, full: -1 No space left on device
// expect: nothing is kept
#include <gort.h>
#include <gort/pprof.h>
#include <gort/prof.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const names[] = {"allocs", "block",        "goroutine", "heap",
                                    "mutex",  "threadcreate", "own"};
enum { NAMES = sizeof names / sizeof names[0] };

static void say(const char *what, int r)
{
    int e = errno;
    printf("%s: %d %s\n", what, r, strerror(e));
}

/* The same for each kind. */
static int all_kinds(int fd, int debug)
{
    int r = 0, e = 0;
    for (int i = 0; i < NAMES; i++) {
        int now = gort_pprof_write(names[i], fd, debug);
        if (i > 0 && (now != r || errno != e))
            printf("%s is different\n", names[i]);
        r = now;
        e = errno;
    }
    errno = e;
    return r;
}

/* What the runtime's own tables take. (Address space would say less: new threads take some.) */
static long size(void)
{
    gort_mem_stats s;
    gort_read_mem_stats(&s);
    return (long)s.other_sys;
}

static void *volatile sink;

static int run(int argc, char **argv)
{
    int pipes[2], full = open("/dev/full", O_WRONLY), zero = open("/dev/zero", O_RDONLY);
    (void)argc, (void)argv;
    gort_mem_profile_rate = 1;
    for (int i = 0; i < 100; i++)
        sink = gort_alloc((size_t)i * 16);
    gort_pprof_add(gort_pprof_new("own"), argv, 0);
    if (full < 0 || zero < 0 || pipe(pipes) != 0)
        return 1;
    close(pipes[0]);
    say("full", all_kinds(full, 0));
    say("full, text", all_kinds(full, 1));
    say("pipe", all_kinds(pipes[1], 0));
    say("closed", all_kinds(1000, 0));
    say("read only", all_kinds(zero, 0));
    say("unknown", gort_pprof_write("nothing", 1, 0));
    say("no name", gort_pprof_write(NULL, 1, 0));
    say("delta of own", gort_pprof_write_delta("own", 1, 1));
    say("delta of unknown", gort_pprof_write_delta("nothing", 1, 1));
    say("delta of no time", gort_pprof_write_delta("heap", 1, 0));
    say("delta, full", gort_pprof_write_delta("heap", full, 1));
    gort_gc();
    long before = size();
    for (int i = 0; i < 100; i++) {
        all_kinds(full, 0);
        all_kinds(full, 1);
        gort_pprof_write_delta("heap", full, 1);
    }
    /* each leaves 16 KiB at least when it forgets something */
    long more = size() - before;
    printf("%s is kept\n", more < 1 << 20 ? "nothing" : gort_sprintf("%ld bytes", more));
    return 0;
}

GORT_MAIN(run)
