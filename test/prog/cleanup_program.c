/* A cleanup frees what an object owned outside of the heap. */
// expect: 50 freed
#include <gort.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct {
    void *memory;
} owner;

static _Atomic int freed;

static void free_memory(void *memory)
{
    free(memory);
    if (freed < 50)
        freed++;
}

static void make(void)
{
    for (int i = 0; i < 60; i++) {
        owner *o = gort_new(owner);
        o->memory = malloc(1000);
        gort_add_cleanup(o, free_memory, o->memory);
    }
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(make);
    while (gort_num_goroutine() > 1)
        gort_gosched();
    while (freed < 50) {
        gort_gc();
        gort_sleep(1000000);
    }
    printf("%d freed\n", freed);
    return 0;
}

GORT_MAIN(run)
