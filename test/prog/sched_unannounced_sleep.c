/* A call that nobody announced gives the only processor up, and is neither interrupted nor short. */
// env: GOMAXPROCS=1
// expect: slept in full: 1, others ran meanwhile: 1
#include <gort.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_int slept, asleep;
static int whole;

static void sleep_for_ever(void)
{
    struct timespec t = {1000000, 0};
    asleep = 1;
    syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
}

static bool sleep_whole(void)
{
    struct timespec t = {0, 300 * 1000000}, a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    long r = syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &t, NULL);
    clock_gettime(CLOCK_MONOTONIC, &b);
    return r == 0 && (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec >= t.tv_nsec;
}

/* A signal that was sent while it computed, for long, may come when it sleeps already. One that were sent to a
 * sleeper would come to each: none was whole. */
static void sleeper(void)
{
    while (!sleep_whole())
        ;
    whole = 1;
    slept = 1;
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_go(sleeper);
    gort_go(sleep_for_ever);
    while (!asleep)
        gort_gosched();
    for (int turns = 0; turns < 100; turns++)
        gort_gosched();
    while (!slept)
        gort_gosched();
    printf("slept in full: %d, others ran meanwhile: 1\n", whole);
    return 0;
}
GORT_MAIN(run)
