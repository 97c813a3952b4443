// env: GOGC=50
// env: GODEBUG=gctrace=1
// expect-re: ^next 2097152$
// expect-re: ^gc 1 @.* [23] MB goal, .* P \(forced\)$
// expect-re: ^over$
// The variables of the sanitizers alone, some MB, bring the goal above what is asked for here.
// skip-on: hostile asan tsan
#include <gort.h>

#include <stdio.h>

/* Half of the usual first heap; what the roots cost comes on top. */
static int program(int argc, char **argv)
{
    gort_mem_stats before;
    (void)argc;
    (void)argv;
    gort_read_mem_stats(&before);
    fprintf(stderr, "next %lu\n", before.next_gc);
    gort_gc();
    gort_gc(); /* the line of the one before is written */
    fprintf(stderr, "over\n");
    return 0;
}

GORT_MAIN(program)
