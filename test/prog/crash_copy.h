/* crash_copy.h: for programs that die in a child: the parent compares what the child wrote to descriptor 2 with what
 * it wrote to the file of gort_debug_set_crash_output. */
#ifndef TEST_PROG_CRASH_COPY_H
#define TEST_PROG_CRASH_COPY_H

#include <gort.h>
#include <gort/debug.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char crash_said[1 << 16], crash_copy[1 << 16];
static FILE *crash_file;

static inline void crash_read(int fd, char *text, size_t room)
{
    size_t n = 0;
    for (ssize_t r; n < room - 1 && (r = read(fd, text + n, room - 1 - n)) > 0;)
        n += (size_t)r;
    text[n] = '\0';
}

/* Runs `fn` as a program of its own; its wait status. */
static inline int crash_run(int (*fn)(int argc, char **argv))
{
    int p[2];
    crash_file = tmpfile();
    if (crash_file == NULL || pipe(p) != 0)
        exit(1);
    int pid = fork();
    if (pid == 0) {
        dup2(p[1], 2);
        close(p[0]);
        close(p[1]);
        exit(gort_run(fn, 0, NULL));
    }
    int status;
    close(p[1]);
    crash_read(p[0], crash_said, sizeof crash_said);
    waitpid(pid, &status, 0);
    rewind(crash_file);
    crash_read(fileno(crash_file), crash_copy, sizeof crash_copy);
    return status;
}

#endif
