/* Foreign frames in a trace: events in callbacks through code that no file describes have the program's names for
 * it in their stacks. */
// derived sync: gort_chan_recv leaf_wait js_callback js:inlined js:inner js:outer gort_cgocall js_run waiter
// derived sync: gort_chan_recv run
// underived sync: run run
// underived sync: waiter waiter
// skip-on: tsan
// expect: named
#include "foreign_frames.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static gort_chan *c, *done;

/* Whether a goroutine in this state receives: then it waits, as nobody has sent. In a callback the state is the
 * foreign call's. */
static bool receives(const char *state)
{
    char text[16384];
    text[gort_stack(text, sizeof text - 1, true)] = '\0';
    const char *it = strstr(text, state);
    return it != NULL && strstr(it, "gort_chan_recv()") != NULL;
}

static __attribute__((noinline)) void leaf_wait(void *unused)
{
    (void)unused;
    gort_chan_recv(c, NULL);
    __asm__ volatile("" ::: "memory");
}

static void waiter(int n)
{
    js_run(leaf_wait, NULL);
    while (!receives("goroutine 1 [chan receive"))
        gort_gosched();
    gort_chan_send(done, &n);
}

static bool has(const char *bytes, size_t n, const char *name)
{
    return memmem(bytes, n, name, strlen(name)) != NULL;
}

static int run(int argc, char **argv)
{
    const char *path = getenv("TRACE_FILE");
    char own[] = "/tmp/gort-trace-XXXXXX";
    (void)argc, (void)argv;
    int v = 0, fd = path != NULL ? open(path, O_CREAT | O_TRUNC | O_RDWR, 0644) : mkstemp(own);
    js_set();
    c = gort_make_chan(int, 0);
    done = gort_make_chan(int, 0);
    if (gort_trace_start(fd) != 0)
        perror("start");
    for (int i = 0; i < 3; i++) {
        gort_go(waiter, i);
        while (!receives("[syscall"))
            gort_gosched();
        gort_chan_send(c, &v);
        gort_chan_recv(done, &v);
    }
    if (gort_trace_stop() != 0)
        perror("stop");
    enum { MOST = 4 << 20 };
    char *bytes = malloc(MOST);
    ssize_t n = pread(fd, bytes, MOST, 0);
    size_t len = n > 0 ? (size_t)n : 0;
    bool all = has(bytes, len, "js:inlined") && has(bytes, len, "js:inner") &&
               has(bytes, len, "js:outer") && has(bytes, len, "foreign.js");
    printf("%s\n", all ? "named" : "names are missing");
    if (path == NULL)
        unlink(own);
    return 0;
}

GORT_MAIN(run)
