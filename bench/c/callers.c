/* callers.c: who called whom: gort_callers at some depth, through frames with and without frame pointers. */
#include "rows.h"

enum { PCS_MAX = 128 };

static int64_t told;

static __attribute__((noinline)) void look(int64_t n)
{
    uintptr_t pcs[PCS_MAX];
    for (int64_t i = 0; i < n; i++)
        told += gort_callers(1, pcs, PCS_MAX);
}

static __attribute__((noinline)) int down(int64_t n, int depth)
{
    int r = 0;
    if (depth == 0)
        look(n);
    else
        r = down(n, depth - 1) + 1;
    __asm__ volatile("" ::: "memory"); /* a frame, not a loop */
    return r;
}

/* The same, with the frame pointer in use for something else. */
#if defined(__clang__)
#define NO_FRAME_POINTER
#else
#define NO_FRAME_POINTER __attribute__((optimize("omit-frame-pointer")))
#endif
static __attribute__((noinline)) NO_FRAME_POINTER int down_without(int64_t n, int depth)
{
    int r = 0;
    if (depth == 0)
        look(n);
    else
        r = down_without(n, depth - 1) + 1;
    __asm__ volatile("" ::: "memory"); /* a frame, not a loop */
    return r;
}

/* Frames in all: look, and those that the benchmark itself has above `down`. */
static void at_depth(int64_t n, int frames, int (*fn)(int64_t, int))
{
    uintptr_t pcs[PCS_MAX];
    int above = gort_callers(1, pcs, PCS_MAX) + 2;
    told = 0;
    fn(n, frames > above ? frames - above : 0);
    check(frames < above || told == n * frames, "a stack of another depth");
}

void callers_8(int64_t n)
{
    at_depth(n, 8, down);
}

void callers_32(int64_t n)
{
    at_depth(n, 32, down);
}

void callers_100(int64_t n)
{
    at_depth(n, 100, down);
}

void callers_cfi_32(int64_t n)
{
    at_depth(n, 32, down_without);
}
