/* Calls that were put into their callers: the innermost first, without a function object, with the pc and entry of
 * the function that has the frame; and a skip count that ends among them. */
// expect: inner 1 inlined
// expect: middle 1 inlined
// expect: outer 1
// expect: run 1
// expect: middle 1 inlined
// expect: outer 1
// expect: innermost of an address: inner, entry of outer
#include <gort.h>
#include <stdio.h>
#include <string.h>

#define INTO_CALLER static inline __attribute__((always_inline))

static uintptr_t pcs[32], skipped[32];
static int n, nskipped;

INTO_CALLER void inner(void)
{
    n = gort_callers(1, pcs, 32);
    nskipped = gort_callers(2, skipped, 32);
}

INTO_CALLER void middle(void)
{
    inner();
    __asm__ volatile("" ::: "memory");
}

static __attribute__((noinline)) void outer(void)
{
    middle();
    __asm__ volatile("" ::: "memory");
}

static void print(const gort_frame *f)
{
    printf("%s %d%s\n", f->function,
           f->entry == (uintptr_t)outer || strcmp(f->function, "run") == 0,
           f->func == NULL ? " inlined" : "");
}

static int run(int argc, char **argv)
{
    gort_frame f;
    (void)argc, (void)argv;
    outer();
    gort_frames *all = gort_callers_frames(pcs, n);
    for (bool more = true; more;) {
        more = gort_frames_next(all, &f);
        print(&f);
    }
    all = gort_callers_frames(skipped, nskipped);
    for (int i = 0; i < 2; i++) {
        gort_frames_next(all, &f);
        print(&f);
    }
    const gort_func *at = gort_func_for_pc(pcs[0] - 1);
    printf("innermost of an address: %s, entry of %s\n", gort_func_name(at),
           gort_func_entry(at) == (uintptr_t)outer ? "outer" : "another");
    return 0;
}

GORT_MAIN(run)
