/* traced.h: included before a program, has it write a trace of itself to $TRACE_FILE. */
#include <gort.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int (*traced_main)(int argc, char **argv);

static int traced_goroutine(int argc, char **argv)
{
    int fd = open(getenv("TRACE_FILE"), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
    if (fd < 0 || gort_trace_start(fd) != 0) {
        perror("trace");
        _exit(3);
    }
    int status = traced_main(argc, argv);
    if (gort_trace_stop() != 0) {
        perror("trace");
        _exit(3);
    }
    return status;
}

static int __attribute__((unused)) traced_run(int (*fn)(int, char **), int argc, char **argv)
{
    traced_main = fn;
    return gort_run(traced_goroutine, argc, argv);
}
#define gort_run traced_run
