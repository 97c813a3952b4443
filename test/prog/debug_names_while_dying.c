/* Goroutines that ask for names when the program dies are not stopped with the lock that the report wants. */
// exit: 2
// expect-re: ^panic: while others ask$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^run\(\)$
// not: ^(lock rank |runtime: names of functions cannot be had)
#include <gort.h>
#include <gort/debug.h>

#include <stdatomic.h>
#include <stdlib.h>

enum { ASKING = 3, SPAN = 1 << 20 };

static atomic_long asked;

static void ask(void *first)
{
    for (uintptr_t pc = (uintptr_t)first;; pc++) {
        gort_func_for_pc(pc + atomic_load(&asked) % SPAN);
        atomic_fetch_add(&asked, 1);
    }
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    for (int i = 0; i < ASKING; i++)
        gort_go(ask, (void *)(i == 0 ? (uintptr_t)ask : (uintptr_t)qsort));
    while (atomic_load(&asked) < 1000)
        gort_gosched();
    gort_panic(gort_any_string("while others ask"));
}

GORT_MAIN(run)
