/* names.c: what pcs mean, and the text of many stacks. */
#include "rows.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { DEPTH = 28, ROOM = 64, COLD_STEP = 16, PARKED = 10000, TEXT_BYTES = 64 << 20 };

static uintptr_t pcs[ROOM];
static int npcs;

static int64_t count_frames(const uintptr_t *list, int n)
{
    gort_frame f;
    int64_t count = 0;
    gort_frames *all = gort_callers_frames(list, n);
    bool more = true;
    while (more) {
        more = gort_frames_next(all, &f);
        count += f.pc != 0;
    }
    return count;
}

static __attribute__((noinline)) void descend(int n)
{
    if (n > 0)
        descend(n - 1);
    else
        npcs = gort_callers(0, pcs, ROOM);
    __asm__ volatile("" ::: "memory");
}

/* The same stack again and again. */
void frames_warm(int64_t n)
{
    descend(DEPTH);
    for (int64_t left = n; left > 0; left -= count_frames(pcs, npcs))
        continue;
}

/* Every pc for the first time, from the program's first function on. */
void frames_cold(int64_t n)
{
    extern const char __executable_start[], etext[];
    uintptr_t at = gort_func_entry(gort_func_for_pc((uintptr_t)frames_cold)), list[ROOM];
    int64_t known = 0;
    for (int64_t done = 0; done < n;) {
        int k = 0;
        for (; k < ROOM && done < n; k++, done++) {
            list[k] = at + 1;
            at += COLD_STEP;
            if (at >= (uintptr_t)etext)
                at = (uintptr_t)__executable_start + 0x8000;
        }
        known += count_frames(list, k);
    }
    check(known > n / 2, "frames_cold: most have no names");
}

static gort_chan *never;
static _Atomic int64_t parked;

static __attribute__((noinline)) void wait_below(int n)
{
    if (n > 0) {
        wait_below(n - 1);
    } else {
        atomic_fetch_add(&parked, 1);
        gort_chan_recv(never, NULL);
    }
    __asm__ volatile("" ::: "memory");
}

static void park_below(void)
{
    wait_below(3);
}

/* n times the text of all goroutines. */
void stacks_10k(int64_t n)
{
    char *text = malloc(TEXT_BYTES);
    if (never == NULL) {
        never = gort_make_chan(int64_t, 0);
        for (int i = 0; i < PARKED; i++)
            gort_go(park_below);
        while (atomic_load(&parked) < PARKED)
            gort_gosched();
    }
    size_t bytes = gort_stack(text, TEXT_BYTES, true);
    check(bytes > 100 * PARKED, "stacks_10k: too little text");
    int64_t t0 = gort_nanotime();
    for (int64_t i = 0; i < n; i++)
        bytes = gort_stack(text, TEXT_BYTES, true);
    figures.total_ms = (double)(gort_nanotime() - t0) / 1e6;
    figure("text_kib", (double)bytes / 1024);
    free(text);
}
