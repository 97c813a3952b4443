/* mem_cgocheck_store.h: for the programs mem_cgocheck_store*.c: pointers to objects are put where only malloc
 * knows of them, in a block of its main heap, in a large one (`large`) or in that of another thread (`thread`). */
#include <gort.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void **volatile box; /* hides where it points from the compiler */

static __attribute__((noinline)) void clear_stack(void)
{
    char block[16384];
    memset(block, 0, sizeof block);
    __asm__ volatile("" : : "r"(block) : "memory");
}

static __attribute__((noinline)) void store(void)
{
    for (int i = 0; i < 64; i++)
        box[i] = gort_alloc(48);
}

/* A thread's first block comes from a heap of its own. */
static void *small(void *arg)
{
    (void)arg;
    box = malloc(64 * sizeof *box);
    return NULL;
}

static void allocate(const char *how)
{
    pthread_t t;
    if (strcmp(how, "large") == 0) /* a mapping of its own */
        box = malloc(1 << 20);
    else if (strcmp(how, "thread") != 0)
        small(NULL);
    else if (pthread_create(&t, NULL, small, NULL) == 0)
        pthread_join(t, NULL);
}

static int run(int argc, char **argv)
{
    allocate(argc > 1 ? argv[1] : "small");
    memset(box, 0, 64 * sizeof *box);
    gort_add_roots(box, 64 * sizeof *box);
    store();
    clear_stack();
    gort_gc();
    printf("still fine\n");
    fflush(stdout);
    gort_remove_roots(box, 64 * sizeof *box);
    clear_stack();
    gort_gc();
    printf("not found\n");
    return 0;
}
GORT_MAIN(run)
