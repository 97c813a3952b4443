/* While there is nothing to do, its state is Go's. */
// env: GOTRACEBACK=system
// env: GOMAXPROCS=1
// env: GODEBUG=asyncpreemptoff=1
// exit: 2
// expect-re: ^fatal error: look$
// expect-re: ^goroutine [0-9]+ \[finalizer wait\]:$
// expect-re: ^created by final_start$
#include <gort.h>

static void finalizer(void *obj)
{
    (void)obj;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_set_finalizer(gort_alloc(64), finalizer);
    for (int i = 0; i < 1000; i++)
        gort_gosched(); /* each time it gets on, by one call into the runtime at least */
    gort_throw("look");
}

GORT_MAIN(run)
