/* A once whose function panics: the panic goes on, and the function counts as done. */
// expect: the first call panics: no luck
// expect: the second call does nothing
// expect: done
#include <gort.h>

#include <stdio.h>

static gort_once once;

static void unlucky(void *arg)
{
    (void)arg;
    gort_panic(gort_any_string("no luck"));
}

static void call(void *arg)
{
    gort_once_do(&once, unlucky, arg);
}

static int run(int argc, char **argv)
{
    gort_any v;
    (void)argc;
    (void)argv;
    if (gort_try(call, NULL, &v))
        printf("the first call panics: %s\n", gort_assert(v, gort_string).ptr);
    if (!gort_try(call, NULL, &v))
        puts("the second call does nothing");
    puts("done");
    return 0;
}

GORT_MAIN(run)
