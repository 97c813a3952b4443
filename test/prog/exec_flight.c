/* A flight recorder, and beside it a trace: what is kept is a trace of its own, at any time, also while
 * somebody else reads all of it. */
// expect-re: second start: -1 .*busy
// expect: old is dropped: 1
// expect: again: 0
// expect-re: without a recorder: -1 Invalid argument
#include <gort.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gort_chan *c;

static void echo(void)
{
    int v;
    while (gort_chan_recv(c, &v))
        gort_chan_send(c, &v);
}

static int to_file(const char *path)
{
    return open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
}

static void work(int n)
{
    for (int i = 0; i < n; i++) {
        gort_chan_send(c, &i);
        gort_chan_recv(c, &i);
    }
}

static int run(int argc, char **argv)
{
    const char *path = getenv("TRACE_FILE");
    char other[] = "/tmp/exec_flight.XXXXXX";
    struct stat last;
    (void)argc;
    (void)argv;
    int whole = mkstemp(other), kept = path != NULL ? to_file(path) : dup(whole);
    unlink(other);
    c = gort_make_chan(int, 0);
    gort_go(echo);
    if (gort_trace_flight_start(&(gort_trace_flight_options){.max_bytes = 20000}) != 0)
        perror("start");
    errno = 0;
    int r = gort_trace_flight_start(NULL);
    printf("second start: %d %s\n", r, strerror(errno));
    work(20000);
    int null = open("/dev/null", O_WRONLY);
    gort_trace_flight_write(null);
    gort_trace_start(whole);
    for (int i = 0; i < 5; i++) {
        work(100);
        gort_trace_flight_write(null);
    }
    if (gort_trace_flight_write(kept) != 0)
        perror("write");
    fstat(kept, &last);
    printf("old is dropped: %d\n", last.st_size > 1000 && last.st_size < 60000);
    gort_trace_flight_stop();
    work(100);
    if (gort_trace_stop() != 0)
        perror("stop");
    printf("again: %d\n", gort_trace_flight_start(NULL));
    gort_trace_flight_stop();
    errno = 0;
    r = gort_trace_flight_write(null);
    printf("without a recorder: %d %s\n", r, strerror(errno));
    return 0;
}
GORT_MAIN(run)
