/* With cgocheck=0 a foreign call may be given anything. */
// env: GODEBUG=cgocheck=0
// expect: passed
#include <gort.h>
#include <stdio.h>

typedef struct request {
    char *name;
} request;
GORT_TYPE(request, name)

static void call(void *r)
{
    printf("%s\n", ((request *)r)->name);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    request *r = gort_alloc_type(gort_typeof(request), 2);
    r->name = gort_strdup("passed");
    gort_cgocall(call, r);
    return 0;
}
GORT_MAIN(run)
