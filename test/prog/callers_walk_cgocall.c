// Callers from a C function on the thread's stack, to which a goroutine's function has switched.
// expect: called: ok
// expect: called back: ok
// expect: sorting there: ok
// expect: afterwards: ok
#include "callers_walk.h"

static int looked;

static __attribute__((noinline)) int compare(const void *a, const void *b)
{
    ENTER();
    if (looked++ == 0)
        expect_all_entered("sorting there");
    LEAVE();
    return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void inner(void *x)
{
    int v[] = {3, 1, 2};
    (void)x;
    ENTER();
    expect_all_entered("called back");
    qsort(v, 3, sizeof v[0], compare);
    LEAVE();
}

static __attribute__((noinline)) void outer(void *x)
{
    ENTER();
    expect_all_entered("called");
    gort_cgocall(inner, x);
    LEAVE();
}

static __attribute__((noinline)) void call(void)
{
    ENTER();
    gort_cgocall(outer, NULL);
    expect_all_entered("afterwards");
    LEAVE();
}

static int program(int argc, char **argv)
{
    (void)argc, (void)argv;
    call();
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
