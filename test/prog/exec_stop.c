/* A trace is stopped while the flight recorder goes on: that begins a generation, for which there may be no memory.
 * Then the trace ends before, and says so; whoever stops it does not wait for what never comes. */
// expect: ended
#include <gort.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    (void)argc;
    (void)argv;
    if (gort_trace_start(null) != 0 && errno != ENOMEM)
        perror("start");
    if (gort_trace_flight_start(NULL) != 0 && errno != ENOMEM)
        perror("flight");
    errno = 0;
    if (gort_trace_stop() != 0 && errno != ENOBUFS)
        perror("stop");
    if (gort_trace_flight_write(null) != 0 && errno != ENOMEM && errno != EINVAL)
        perror("write");
    gort_trace_flight_stop();
    puts("ended");
    return 0;
}
GORT_MAIN(run)
