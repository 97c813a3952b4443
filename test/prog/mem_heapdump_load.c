/* Heap dumps while goroutines allocate, defer, park and collect: each ends, and none disturbs them. */
// env: GODEBUG=memprofilerate=4096
// limit: 60
// expect: 10 dumps, no list is broken
#include <gort.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

typedef struct item {
    struct item *next;
    long check;
} item;
GORT_TYPE(item, next)

enum { WRITERS = 4, ITEMS = 200, DUMPS = 10 };
static int stop, broken;

static void nothing(void *arg)
{
    (void)arg;
}

static __attribute__((noinline)) void build(int me)
{
    item *list = NULL;
    for (long i = 0; i < ITEMS; i++) {
        item *n = gort_new(item);
        n->next = list;
        n->check = me * 1000 + i;
        list = n;
    }
    for (long i = ITEMS; i-- > 0; list = list->next)
        if (list->check != me * 1000 + i)
            __atomic_store_n(&broken, 1, __ATOMIC_RELAXED);
}

static void write_lists(int me)
{
    for (int i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        GORT_SCOPE
        {
            gort_defer(nothing, NULL);
            build(me);
        }
        if (i % 100 == 0)
            gort_sleep(10000);
        if (me == 0 && i % 50 == 0)
            gort_gc();
    }
}

static int run(int argc, char **argv)
{
    int fd = open("/dev/null", O_WRONLY), dumps = 0;
    (void)argc;
    (void)argv;
    for (int i = 0; i < WRITERS; i++)
        gort_go(write_lists, i);
    for (; dumps < DUMPS; dumps++) {
        gort_sleep(1000000);
        if (gort_debug_write_heap_dump(fd) != 0)
            gort_throw("the heap dump failed");
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    printf("%d dumps, %s\n", dumps, broken ? "lists are broken" : "no list is broken");
    return 0;
}
GORT_MAIN(run)
