// env: GOGC=off
// env: GODEBUG=gctrace=1
// expect-re: ^64 MB allocated, 0 collections$
// expect-re: ^gc 1 @.* P \(forced\)$
// expect-re: ^1 collection$
// not: P$
#include <gort.h>

#include <stdio.h>

/* Switched off, the heap grows; who asks for a collection gets one. */
static int program(int argc, char **argv)
{
    gort_mem_stats st;
    (void)argc;
    (void)argv;
    for (int i = 0; i < 1024; i++)
        (void)gort_alloc_noscan(65536);
    gort_read_mem_stats(&st);
    fprintf(stderr, "%lu MB allocated, %u collections\n", st.total_alloc >> 20, st.num_gc);
    gort_gc();
    gort_read_mem_stats(&st);
    fprintf(stderr, "%u collection\n", st.num_gc);
    return 0;
}

GORT_MAIN(program)
