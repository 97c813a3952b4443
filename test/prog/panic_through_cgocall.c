/* A panic that passes through a foreign call and is recovered outside of it leaves nothing behind: the
 * goroutine is not bound to its thread, and its processor is its own again. */
// env: GOMAXPROCS=2
// expect: recovered 1000 times, calls 1000
#include <gort.h>
#include <stdio.h>

static void fail(void *arg)
{
    (void)arg;
    gort_panic(gort_any_string("inside"));
}

static void call(void *arg)
{
    gort_cgocall(fail, arg);
}

static void spin(int *stop)
{
    while (!__atomic_load_n(stop, __ATOMIC_ACQUIRE))
        gort_gosched();
}

static int run(int argc, char **argv)
{
    static int stop;
    int n = 0;
    (void)argc;
    (void)argv;
    gort_go(spin, &stop);
    gort_go(spin, &stop);
    for (int i = 0; i < 1000; i++) {
        gort_any v;
        n += gort_try(call, NULL, &v);
        gort_gosched();
    }
    __atomic_store_n(&stop, 1, __ATOMIC_RELEASE);
    printf("recovered %d times, calls %d\n", n, (int)gort_num_cgo_call());
    return 0;
}
GORT_MAIN(run)
