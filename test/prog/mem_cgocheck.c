/* What a foreign call is given, by default: a described object must hold no pointers to others; all else
 * may. */
// expect: a struct on the stack passes
// expect: an object that nobody described passes
// expect: a described object without pointers in it passes
// expect: a field of a described object passes
// expect: runtime error: cgo argument has Go pointer to Go pointer
#include <gort.h>
#include <stdio.h>

typedef struct request {
    char *name;
    long n;
    char *more;
} request;
GORT_TYPE(request, name, more)

static void call(void *what)
{
    (void)what;
}

static void pass(const char *what, void *arg)
{
    gort_cgocall(call, arg);
    printf("%s passes\n", what);
}

static void show(void *arg)
{
    gort_any v;
    (void)arg;
    if (gort_recover(&v))
        printf("%s\n", gort_error_string(v));
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    request on_stack = {.name = gort_strdup("on the stack")};
    request *untyped = gort_alloc(sizeof *untyped), *typed = gort_new(request);
    pass("a struct on the stack", &on_stack);
    untyped->name = on_stack.name;
    pass("an object that nobody described", untyped);
    typed->n = (long)on_stack.name;
    pass("a described object without pointers in it", typed);
    typed->more = on_stack.name;
    pass("a field of a described object", &typed->n);
    GORT_SCOPE
    {
        gort_defer(show, NULL);
        pass("a described object with a pointer", typed);
    }
    return 0;
}
GORT_MAIN(run)
