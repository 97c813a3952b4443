/* A panic in a finalizer ends the program, on the goroutine that runs them. */
// exit: 2
// expect-re: ^panic: in a finalizer$
// expect-re: ^goroutine [0-9]+ \[running\]:$
// expect-re: ^finalizer\(\)$
// not: ^created by final_start
#include <gort.h>

static void finalizer(void *obj)
{
    (void)obj;
    gort_panic(gort_any_string("in a finalizer"));
}

static void make(void)
{
    for (int i = 0; i < 10; i++)
        gort_set_finalizer(gort_alloc(64), finalizer);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(make);
    for (;;) {
        gort_gosched();
        gort_gc();
    }
}

GORT_MAIN(run)
