// GORT_SCOPE and the type macros in C++: destructors' cousins run, descriptors are constants.
// cc: c++
// expect: inner
// expect: 7
// expect: point 3
// expect: behind
#include <gort.h>
#include <stdio.h>

struct point {
    point *next;
    int x;
};
GORT_TYPE(point, next)

enum class colour : unsigned char { red, green };
GORT_TYPE_NOSCAN(colour)

namespace shapes
{
static int by_return()
{
    GORT_SCOPE
    {
        gort_defer([](void *text) { puts(static_cast<const char *>(text)); }, (void *)"inner");
        return 7;
    }
    return 8;
}

static bool described()
{
    return gort_typeof(point)->ptrdata == 8 && gort_typeof(colour)->size == 1;
}
} // namespace shapes

static void catching(void *v)
{
    gort_recover(static_cast<gort_any *>(v));
}

static int run(int, char **)
{
    gort_any v = {};
    printf("%d\n", shapes::by_return());
    GORT_SCOPE
    {
        gort_defer(catching, &v);
        if (shapes::described())
            gort_panic(gort_box(point, {nullptr, 3}));
    }
    printf("point %d\n", gort_assert(v, point).x);
    puts("behind");
    return 0;
}

GORT_MAIN(run)
