// expect-re: ^panic: \(point\) 0x[0-9a-f]+$
// exit: 2
#include <gort.h>

typedef struct {
    int x, y;
} point;

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_panic(gort_box(point, {1, 2}));
}

GORT_MAIN(run)
