// Callers through the C library, which keeps no frame pointers.
// expect: from qsort: ok
// expect: from bsearch: ok
// expect: on another goroutine: ok
#include "callers_walk.h"

static int looked;

static __attribute__((noinline)) int compare(const void *a, const void *b)
{
    ENTER();
    if (looked++ == 0)
        expect_all_entered("from qsort");
    LEAVE();
    return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) int find(const void *a, const void *b)
{
    ENTER();
    expect_all_entered("from bsearch");
    LEAVE();
    return *(const int *)a - *(const int *)b;
}

static __attribute__((noinline)) void sort(void)
{
    int v[] = {3, 1, 2}, key = 2;
    ENTER();
    qsort(v, 3, sizeof v[0], compare);
    bsearch(&key, &key, 1, sizeof key, find);
    LEAVE();
}

static __attribute__((noinline)) void look(void)
{
    ENTER();
    expect_all_entered("on another goroutine");
    LEAVE();
}

static void run(void *done)
{
    look();
    gort_chan_close(done);
}

static int program(int argc, char **argv)
{
    (void)argc, (void)argv;
    sort();
    gort_chan *done = gort_make_chan(bool, 0);
    gort_go(run, done);
    gort_chan_recv(done, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
