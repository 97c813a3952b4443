/* Somebody kills the children that mark (a snapshot each): the world stops instead, and nothing is lost. */
// env: GODEBUG=clobberfree=1,gcway=2
// skip-on: arm64
// no-fault: clone_child vm_map_shared
// expect: killed
// expect: kept
// limit: 60
#include "cycles.h"
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BEADS = 100000, KILLS = 5 };

static _Atomic int killed;

static void kill_children_of(const char *task)
{
    char path[300];
    int pid;
    snprintf(path, sizeof path, "/proc/self/task/%s/children", task);
    FILE *f = fopen(path, "r");
    while (f != NULL && fscanf(f, "%d", &pid) == 1)
        if (kill(pid, SIGKILL) == 0)
            killed++;
    if (f != NULL)
        fclose(f);
}

static void *killer(void *arg)
{
    (void)arg;
    while (killed < KILLS) {
        struct dirent *d;
        DIR *tasks = opendir("/proc/self/task");
        while (tasks != NULL && (d = readdir(tasks)) != NULL)
            if (d->d_name[0] != '.')
                kill_children_of(d->d_name);
        if (tasks != NULL)
            closedir(tasks);
    }
    return NULL;
}

static void work(gort_waitgroup *done)
{
    while (killed < KILLS)
        if (!beads_right(beads_new(1000), 1000))
            printf("LOST\n");
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    pthread_t thread;
    bead *l = beads_new(BEADS);
    gort_waitgroup done = {0};
    (void)argc;
    (void)argv;
    cycles_start(BEADS);
    pthread_create(&thread, NULL, killer, NULL);
    gort_waitgroup_add(&done, 2);
    gort_go(work, &done);
    gort_go(work, &done);
    gort_waitgroup_wait(&done);
    cycles_stop();
    pthread_join(thread, NULL);
    printf("%s\n", killed >= KILLS ? "killed" : "none killed");
    printf("%s\n", beads_right(l, BEADS) && beads_right(cycles.ballast, BEADS) ? "kept" : "LOST");
    return 0;
}
GORT_MAIN(run)
