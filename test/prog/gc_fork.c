/* fork in the middle of collections: a child that executes something, one that exits at once, and one
 * that goes on with its own memory. The parent loses nothing. */
// env: GODEBUG=clobberfree=1
// expect: exec: 30
// expect: exit: 30
// expect: compute: 30
// expect: parent: kept
// limit: 60
#include "cycles.h"
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BEADS = 20000, ROUNDS = 30, STATUS = 7 };

static void in_child_exec(bead *l)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)"exit 7", NULL};
    (void)l;
    execv("/bin/sh", argv);
    _exit(1);
}

static void in_child_exit(bead *l)
{
    (void)l;
    _exit(STATUS);
}

/* Reads and writes what was there at the fork, and memory of malloc. */
static void in_child_compute(bead *l)
{
    uint64_t sum = 0, *copy = malloc(BEADS * sizeof *copy);
    for (uint64_t i = 0; l != NULL; l = l->next, i++) {
        copy[i] = l->number;
        l->number += 1;
    }
    for (uint64_t i = 0; i < BEADS; i++)
        sum += copy[i];
    _exit(sum == (uint64_t)BEADS * (BEADS + 1) / 2 ? STATUS : 1);
}

static void rounds(const char *what, void (*child)(bead *l), bead *l)
{
    int right = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0)
            child(l);
        if (pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
            WEXITSTATUS(status) == STATUS)
            right++;
        if (!beads_right(l, BEADS))
            printf("LOST after a fork\n");
    }
    printf("%s: %d\n", what, right);
    fflush(stdout);
}

static int run(int argc, char **argv)
{
    bead *l = beads_new(BEADS);
    (void)argc;
    (void)argv;
    cycles_start(50000);
    rounds("exec", in_child_exec, l);
    rounds("exit", in_child_exit, l);
    rounds("compute", in_child_compute, l);
    cycles_stop();
    printf("parent: %s\n",
           beads_right(l, BEADS) && beads_right(cycles.ballast, 50000) ? "kept" : "LOST");
    return 0;
}
GORT_MAIN(run)
