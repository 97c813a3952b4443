/* startup.c: what it costs to start a program and see it end.
 *
 * Usage   startup COUNT PROGRAM
 * Starts PROGRAM COUNT times, one after the other, each by posix_spawn and waitpid, and prints one
 * line of JSON: the median time of one in microseconds, and the largest peak of resident memory.
 * Knows nothing of the library.
 */
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t start_once(char *program)
{
    char *argv[] = {program, NULL};
    pid_t pid;
    int status = 0;
    int64_t t0 = now_ns();
    if (posix_spawn(&pid, program, NULL, NULL, argv, environ) != 0 ||
        waitpid(pid, &status, 0) != pid || status != 0) {
        fprintf(stderr, "startup: %s does not start, or fails (wait status %#x)\n", program,
                (unsigned)status);
        exit(1);
    }
    return now_ns() - t0;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    int count = argc == 3 ? atoi(argv[1]) : 0;
    if (count <= 0) {
        fprintf(stderr, "usage: startup COUNT PROGRAM\n");
        return 2;
    }
    int64_t *ns = calloc((size_t)count, sizeof *ns);
    if (ns == NULL)
        return 1;
    start_once(argv[2]); /* into the page cache */
    for (int i = 0; i < count; i++)
        ns[i] = start_once(argv[2]);
    qsort(ns, (size_t)count, sizeof *ns, by_value);
    struct rusage use;
    getrusage(RUSAGE_CHILDREN, &use);
    printf("{\"us\":%.1f,\"peak_kib\":%ld}\n", (double)ns[count / 2] / 1e3, use.ru_maxrss);
    free(ns);
    return 0;
}
