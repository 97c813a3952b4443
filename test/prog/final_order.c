/* What points runs before what it points to; objects of one size run newest first. */
// skip-on: hostile
// expect: A
// expect: B
// expect: 4 3 2 1 0
#include <gort.h>

#include <stdio.h>

struct named {
    struct named *to;
    char name;
};
static _Atomic int ran;
static gort_waitgroup wg;

static void say(void *obj)
{
    printf("%c\n", ((struct named *)obj)->name);
    ran++;
}

static void make_pair(void)
{
    struct named *b = gort_alloc(sizeof *b), *a = gort_alloc(sizeof *a);
    a->name = 'A';
    b->name = 'B';
    a->to = b;
    gort_set_finalizer(a, say);
    gort_set_finalizer(b, say);
    gort_waitgroup_done(&wg);
}

static void say_number(void *obj)
{
    printf("%d%c", *(int *)obj, ++ran < 5 ? ' ' : '\n');
}

/* Objects that die alone in their span, one after the other. */
static void make_row(void)
{
    gort_lock_os_thread();
    for (int i = 0; i < 5; i++) {
        int *p = gort_alloc(1152);
        *p = i;
        gort_set_finalizer(p, say_number);
    }
    gort_unlock_os_thread();
    gort_waitgroup_done(&wg);
}

static void until_ran(int n, void (*make)(void))
{
    ran = 0;
    gort_waitgroup_add(&wg, 1);
    gort_go(make);
    gort_waitgroup_wait(&wg);
    while (ran < n) {
        gort_gc();
        gort_sleep(2000000);
    }
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_gomaxprocs(1);
    until_ran(2, make_pair);
    until_ran(5, make_row);
    return 0;
}

GORT_MAIN(run)
