// env: GOMAXPROCS=3
// expect: 3 3 5 5 1
#include <gort.h>
#include <stdio.h>

static void spin(int *n)
{
    for (int i = 0; i < 1000; i++) {
        gort_gosched();
        __atomic_add_fetch(n, 1, __ATOMIC_RELAXED);
    }
}

static int run(int argc, char **argv)
{
    static int n;
    (void)argc;
    (void)argv;
    for (int i = 0; i < 10; i++)
        gort_go(spin, &n);
    int a = gort_gomaxprocs(0), b = gort_gomaxprocs(5), c = gort_gomaxprocs(-1);
    int d = gort_gomaxprocs(1), e = gort_gomaxprocs(0);
    while (__atomic_load_n(&n, __ATOMIC_RELAXED) < 10000)
        gort_gosched();
    printf("%d %d %d %d %d\n", a, b, c, d, e);
    return 0;
}
GORT_MAIN(run)
