/* Frames that a panic or the end of a goroutine abandons are forgotten by the sanitizers too: ThreadSanitizer's
 * list of calls has room for 65536, and AddressSanitizer's marks around arrays would be in the way of whoever
 * uses the stack next. */
// limit: 60
// expect: 20000 stopped
// expect: 500 ended deep down, 500 used their stacks
#include <gort.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { PANICS = 20000, GOROUTINES = 500, DEPTH = 6 };

static gort_waitgroup wg;
static atomic_int ended, used;

static __attribute__((noinline)) void down(int n, void (*at_bottom)(void))
{
    char room[100];
    memset(room, n, sizeof room);
    __asm__ volatile("" : : "r"(room) : "memory");
    if (n == 0)
        at_bottom();
    else
        down(n - 1, at_bottom);
    __asm__ volatile("" : : "r"(room) : "memory");
}

static void panics(void)
{
    gort_panicf("at the bottom");
}

static void attempt(void *arg)
{
    (void)arg;
    down(DEPTH, panics);
}

static void done(void *arg)
{
    atomic_fetch_add((atomic_int *)arg, 1);
    gort_waitgroup_done(&wg);
}

static void ends_deep_down(void)
{
    gort_defer(done, &ended);
    down(DEPTH, gort_goexit);
}

static void uses_the_stack(void)
{
    char room[4000];
    gort_defer(done, &used);
    memset(room, 1, sizeof room);
    __asm__ volatile("" : : "r"(room) : "memory");
}

static int run(int argc, char **argv)
{
    int stopped = 0;
    (void)argc;
    (void)argv;
    for (int i = 0; i < PANICS; i++)
        stopped += gort_try(attempt, NULL, NULL);
    printf("%d stopped\n", stopped);
    for (int i = 0; i < GOROUTINES; i++) {
        gort_waitgroup_add(&wg, 1);
        gort_go(ends_deep_down);
        gort_waitgroup_wait(&wg);
        gort_waitgroup_add(&wg, 1);
        gort_go(uses_the_stack);
        gort_waitgroup_wait(&wg);
    }
    printf("%d ended deep down, %d used their stacks\n", ended, used);
    return 0;
}

GORT_MAIN(run)
