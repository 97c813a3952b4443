/* GODEBUG=sbrk=1: memory that nobody collects. It counts as the runtime's own, no address comes twice, and
 * nothing is ever written over. */
// env: GODEBUG=sbrk=0,sbrk=1,sbrk=yes,clobberfree=1
// expect: not on the heap
// expect: among the runtime's own
// expect: no address twice
// expect: no collection by itself
// expect: nothing written over
#include <gort.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OBJECTS = 20000, BYTES = 1000 };

static uintptr_t turned[OBJECTS];

static int by_address(const void *a, const void *b)
{
    uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;
    return (x > y) - (x < y);
}

static char *object(int i)
{
    return (char *)~turned[i];
}

static void make(int i)
{
    char *p = gort_alloc(BYTES);
    memset(p, i % 100 + 1, BYTES);
    turned[i] = ~(uintptr_t)p;
}

static bool apart(void)
{
    qsort(turned, OBJECTS, sizeof turned[0], by_address);
    for (int i = 1; i < OBJECTS; i++)
        if (object(i - 1) - object(i) < BYTES)
            return false;
    return true;
}

static bool whole(void)
{
    for (int i = 0; i < OBJECTS; i++)
        for (int at = 1; at < BYTES; at++)
            if (object(i)[at] != object(i)[0] || object(i)[0] == 0)
                return false;
    return true;
}

static int run(int argc, char **argv)
{
    static gort_mem_stats before, after;
    (void)argc;
    (void)argv;
    gort_read_mem_stats(&before);
    for (int i = 0; i < OBJECTS; i++) {
        make(i);
        if (i == OBJECTS / 2)
            gort_gc();
    }
    gort_read_mem_stats(&after);
    puts(after.heap_alloc < OBJECTS * BYTES / 10 ? "not on the heap" : "ON THE HEAP");
    puts(after.other_sys >= before.other_sys + OBJECTS * BYTES ? "among the runtime's own"
                                                               : "COUNTED ELSEWHERE");
    puts(apart() ? "no address twice" : "ONE ADDRESS TWICE");
    puts(after.num_gc == 1 && after.num_forced_gc == 1 ? "no collection by itself" : "COLLECTED");
    puts(whole() ? "nothing written over" : "WRITTEN OVER");
    return 0;
}
GORT_MAIN(run)
