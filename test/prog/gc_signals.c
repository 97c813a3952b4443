/* A storm of signals while collections run: their handler reads and writes heap objects. */
// env: GODEBUG=clobberfree=1
// expect: handled
// expect: kept
// limit: 60
#include "cycles.h"
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

enum { BEADS = 5000, WORKERS = 4, ROUNDS = 200 };

static bead *shown;          /* the handler walks it */
static bead *volatile spare; /* the handler moves one from here to `taken` and back */
static bead *volatile taken;
static _Atomic int handled, wrong;

static void handler(int sig)
{
    const bead *l = shown;
    (void)sig;
    for (int i = 0; i < 50 && l != NULL; i++, l = l->next)
        if (l->number != (uint64_t)i + 1)
            wrong = 1;
    bead *one = __atomic_exchange_n(&spare, NULL, __ATOMIC_ACQ_REL);
    if (one == NULL)
        one = __atomic_exchange_n(&taken, NULL, __ATOMIC_ACQ_REL);
    if (one != NULL && one->number != 4711)
        wrong = 1;
    if (one != NULL)
        __atomic_store_n(one->next == NULL ? &taken : &spare, one, __ATOMIC_RELEASE);
    handled++;
}

static void work(gort_waitgroup *done)
{
    for (int i = 0; i < ROUNDS; i++)
        if (!beads_right(beads_new(300), 300))
            wrong = 1;
    gort_waitgroup_done(done);
}

static void *storm(void *thread)
{
    while (!cycles.stop) {
        struct timespec t = {0, 200000};
        nanosleep(&t, NULL);
        pthread_kill(*(pthread_t *)thread, SIGUSR1);
    }
    return NULL;
}

static int run(int argc, char **argv)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART | SA_ONSTACK};
    struct itimerval often = {{0, 500}, {0, 500}}, never = {{0, 0}, {0, 0}};
    pthread_t me = pthread_self(), sender;
    gort_waitgroup done = {0};
    (void)argc;
    (void)argv;
    shown = beads_new(BEADS);
    spare = beads_new(1);
    spare->number = 4711;
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGPROF, &action, NULL);
    cycles_start(50000);
    pthread_create(&sender, NULL, storm, &me);
    setitimer(ITIMER_REAL, &often, NULL);
    setitimer(ITIMER_PROF, &often, NULL);
    gort_waitgroup_add(&done, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        gort_go(work, &done);
    gort_waitgroup_wait(&done);
    while (cycles.count < 10)
        gort_gosched();
    cycles_stop();
    setitimer(ITIMER_REAL, &never, NULL);
    setitimer(ITIMER_PROF, &never, NULL);
    pthread_join(sender, NULL);
    printf("%s\n", handled > 0 ? "handled" : "no signal came");
    printf("%s\n", !wrong && beads_right(shown, BEADS) ? "kept" : "LOST");
    return 0;
}
GORT_MAIN(run)
