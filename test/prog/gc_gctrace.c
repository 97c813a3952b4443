// env: GODEBUG=gctrace=1
// expect-re: ^gc \d+ @\d+\.\d\d\ds \d+%: [\d.]+\+[\d.]+\+[\d.]+ ms clock, [\d.]+\+[\d.]+/[\d.]+/[\d.]+\+[\d.]+ ms cpu, \d+->\d+->\d+ MB, \d+ MB goal, \d+ MB stacks, \d+ MB globals, \d+ P$
// expect-re: ^gc \d+ @\d+\.\d\d\ds \d+%: [\d.]+\+[\d.]+\+[\d.]+ ms clock, [\d.]+\+[\d.]+/[\d.]+/[\d.]+\+[\d.]+ ms cpu, \d+->\d+->\d+ MB, \d+ MB goal, \d+ MB stacks, \d+ MB globals, \d+ P \(forced\)$
// expect-re: ^over$
#include <gort.h>

#include <stdio.h>

/* A line for each collection, which says who wanted it. */
static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < 4096; i++)
        (void)gort_alloc_noscan(8192);
    gort_gc();
    gort_gc(); /* the line of the one before is written */
    fprintf(stderr, "over\n");
    return 0;
}

GORT_MAIN(program)
