/* A panic in a callback of the C library, whose code has no frame pointers. */
// exit: 2
// expect-re: ^panic: compared$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^compare\(\)$
// expect-re: qsort
// expect-re: ^sort_numbers\(\)$
// expect-re: ^\t/.*trace_qsort\.c:22 \+0x
// expect-re: ^run\(\)$
#include <gort.h>

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    (void)a, (void)b;
    gort_panic(gort_any_string("compared"));
}

static __attribute__((noinline)) void sort_numbers(int *v, size_t n)
{
    qsort(v, n, sizeof *v, compare);
    __asm__ volatile("" ::: "memory");
}

static int run(int argc, char **argv)
{
    int v[] = {3, 1, 2, argc};
    (void)argv;
    sort_numbers(v, 4);
    return v[0];
}

GORT_MAIN(run)
