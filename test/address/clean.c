/* What is right is left alone: objects of all sizes, used to the last byte, collected and allocated again;
 * panics, foreign stacks, fake ones that hold the only pointer to an object.
 */
// expect: as it should be
// env: ASAN_OPTIONS=detect_stack_use_after_return=1:detect_leaks=0
// limit: 60
#include <gort.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORKERS = 8, ROUNDS = 300 };

struct node {
    struct node *next;
    char *bytes;
    size_t n;
};
typedef struct node node;
static gort_waitgroup all;

static void caught(void *arg)
{
    (void)arg;
    gort_recover(NULL);
}

static void on_thread_stack(void *arg)
{
    volatile char buf[3000];
    memset((char *)buf, 1, sizeof buf);
    *(int *)arg += buf[2999];
}

/* The list hangs on a variable whose address others have. */
static void __attribute__((noinline)) push(node **list, size_t n)
{
    node *it = gort_new(node);
    it->bytes = gort_new_array(char, n);
    it->n = n;
    memset(it->bytes, (int)(n & 127), n);
    it->next = *list;
    *list = it;
}

static void check(const node *it)
{
    for (; it != NULL; it = it->next)
        for (size_t i = 0; i < it->n; i++)
            if (it->bytes[i] != (char)(it->n & 127))
                abort();
}

static void work(int seed)
{
    node *list = NULL;
    int called = 0;
    for (int i = 0; i < ROUNDS; i++) {
        push(&list, (size_t)(1 + (seed * 131 + i * i * 7) % (i % 50 == 0 ? 70000 : 900)));
        if (i % 40 == 39) {
            gort_gc();
            check(list);
            list = list->next->next;
            list->next = NULL;
        }
        if (i % 100 == 0)
            gort_cgocall(on_thread_stack, &called);
        GORT_SCOPE
        {
            volatile char frame[200];
            gort_defer(caught, NULL);
            frame[i % 200] = 1;
            if (i % 10 == 0)
                gort_panic(gort_box(int, i));
        }
        gort_gosched();
    }
    check(list);
    if (called != 3)
        abort();
    gort_waitgroup_done(&all);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_waitgroup_add(&all, WORKERS);
    for (int i = 0; i < WORKERS; i++)
        gort_go(work, i);
    gort_waitgroup_wait(&all);
    puts("as it should be");
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(run, argc, argv);
}
