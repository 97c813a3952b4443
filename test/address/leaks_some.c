/* Memory of malloc's that nothing points to any more. */
// expect-re: LeakSanitizer: detected memory leaks
// expect-re: 300 byte\(s\) leaked in 1 allocation
// exit: any
// env: ASAN_OPTIONS=detect_leaks=1
#include <gort.h>

#include <stdlib.h>
#include <string.h>

static __attribute__((noinline)) void lose_it(void)
{
    char *volatile p = malloc(300);
    strcpy(p, "lost");
    p = NULL;
}

/* What is left of the pointer on the stack goes, too. */
static __attribute__((noinline)) void wipe(void)
{
    char block[16384];
    memset(block, 0, sizeof block);
    __asm__ volatile("" : : "r"(block) : "memory");
}

static gort_waitgroup gone;

static void lose(void)
{
    lose_it();
    wipe();
    gort_waitgroup_done(&gone);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_waitgroup_add(&gone, 1);
    gort_go(lose);
    gort_waitgroup_wait(&gone);
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(run, argc, argv);
}
