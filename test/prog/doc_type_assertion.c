/* A failed type assertion is a runtime error of a type of its own, whose text names the types. */
// expect: interface conversion: interface {} is int, not double
// expect: a runtime error, of a type assertion
// expect: others are not
#include <gort.h>
#include <stdio.h>
#include <string.h>

static int *volatile nowhere;

static void asserts(void *unused)
{
    (void)unused;
    (void)gort_assert(gort_box(int, 42), double);
}

static void dereferences(void *unused)
{
    (void)unused;
    *nowhere = 1;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_any v, other;
    if (gort_try(asserts, NULL, &v))
        puts(gort_error_string(v));
    if (gort_is_runtime_error(v) && gort_is_type_assertion_error(v))
        puts("a runtime error, of a type assertion");
    if (gort_try(dereferences, NULL, &other) && gort_is_runtime_error(other) &&
        !gort_is_type_assertion_error(other) && !gort_is_type_assertion_error(gort_errorf("x")) &&
        !gort_is_type_assertion_error((gort_any){NULL, NULL}))
        puts("others are not");
    return 0;
}

GORT_MAIN(run)
