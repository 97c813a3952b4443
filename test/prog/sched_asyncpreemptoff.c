/* GODEBUG=asyncpreemptoff=1: a loop without a call keeps the only processor. */
// skip-on: race
// env: GOMAXPROCS=1
// env: GODEBUG=asyncpreemptoff=1
// expect: undisturbed
// A thread that gets no CPU cannot be told from one that sleeps.
// no-fault: proc_stat
#include <gort.h>
#include <stdio.h>
#include <time.h>

static volatile int disturbed;

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void loop(void)
{
    long long end = now_ms() + 200;
    while (now_ms() < end && !disturbed)
        ;
    puts(disturbed ? "disturbed" : "undisturbed");
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_go(loop);
    gort_gosched();
    disturbed = 1;
    gort_gosched();
    return 0;
}
GORT_MAIN(run)
