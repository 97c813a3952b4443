// env: GOMEMLIMIT=0
// expect: done
// limit: 60
#include <gort.h>

#include <stdio.h>

/* No memory is little enough, so the collector runs as much as it may, and no more: the program gets
 * on. */
static int program(int argc, char **argv)
{
    void **keep = NULL;
    (void)argc;
    (void)argv;
    for (int i = 0; i < 20000; i++) {
        void **node = gort_alloc(64);
        *node = i % 100 == 0 ? NULL : (void *)keep;
        keep = node;
    }
    printf("done\n");
    return 0;
}

GORT_MAIN(program)
