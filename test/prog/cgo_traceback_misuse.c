/* Functions are set once, and the structs have version 0. */
// exit: 2
// expect: the same again
// expect: call SetCgoTraceback only once
// expect: unsupported version
// expect-re: ^panic: unsupported version$
#include <gort.h>
#include <stdio.h>

static void one(struct gort_cgo_traceback_arg *arg)
{
    arg->buf[0] = 0;
}

static void other(struct gort_cgo_traceback_arg *arg)
{
    arg->buf[0] = 0;
}

static void say(void *arg)
{
    gort_any v;
    (void)arg;
    if (gort_recover(&v))
        printf("%s\n", gort_assert(v, gort_string).ptr);
}

static void set(int version, void *fn)
{
    GORT_SCOPE
    {
        gort_defer(say, NULL);
        gort_set_cgo_traceback(version, fn, NULL, NULL);
    }
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    set(0, (void *)one);
    set(0, (void *)one);
    printf("the same again\n");
    set(0, (void *)other);
    set(1, (void *)one);
    fflush(stdout);
    gort_set_cgo_traceback(-1, NULL, NULL, NULL);
    return 0;
}

GORT_MAIN(run)
