/* GODEBUG=sbrk=1: nothing is ever found unreachable, and nothing is checked. */
// env: GODEBUG=sbrk=1
// expect: well
#include <gort.h>

#include <stdio.h>

static void finalizer(void *obj)
{
    (void)obj;
    puts("never");
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    void *p = gort_alloc(64);
    gort_set_finalizer(p, finalizer);
    gort_set_finalizer(p, finalizer);
    gort_set_finalizer(NULL, finalizer);
    gort_cleanup c = gort_add_cleanup(NULL, finalizer, NULL);
    gort_cleanup_stop(c);
    gort_weak *w = gort_weak_make(p);
    gort_gc();
    puts(gort_weak_value(w) == p ? "well" : "gone");
    return 0;
}

GORT_MAIN(run)
