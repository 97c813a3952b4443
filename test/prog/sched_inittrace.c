// env: GODEBUG=inittrace=1
// expect-re: ^init first @[0-9.]+ ms, [0-9.]+ ms clock, 64 bytes, 1 allocs$
// expect-re: ^init second @[0-9.]+ ms, [0-9.]+ ms clock, 0 bytes, 0 allocs$
// expect-re: ^ran with 12$
#include <gort.h>
#include <stdio.h>

static int order;
static void *kept;

GORT_INIT(first)
{
    order = order * 10 + 1;
    kept = gort_alloc(64);
}
GORT_INIT(second)
{
    order = order * 10 + 2;
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("ran with %d\n", kept != NULL ? order : 0);
    return 0;
}
GORT_MAIN(run)
