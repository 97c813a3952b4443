// The value's own Error is asked, after all deferred functions ran.
// expect-re: ^deferred$
// expect-re: ^asked$
// expect-re: ^panic: cannot open x: 2$
// exit: 2
#include <gort.h>
#include <stdio.h>

typedef struct {
    const char *path;
    int code;
} open_error;

static const char *open_error_text(const open_error *e)
{
    puts("asked");
    fflush(stdout);
    return gort_sprintf("cannot open %s: %d", e->path, e->code);
}
GORT_TYPE(open_error, path)
GORT_TYPE_ERROR(open_error, open_error_text)

static void deferred(void *arg)
{
    puts(arg);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_defer(deferred, "deferred");
    gort_panic(gort_box(open_error, {"x", 2}));
}

GORT_MAIN(run)
