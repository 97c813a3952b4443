/* What gort_frames_next says about the next call, what it leaves out, and what it says behind the end. */
// no-fault: open_file
// expect: nothing of nothing
// expect: unknown ones are left out
// expect: 3 frames, the last without another
// expect: zero again
// expect: a list that begins with a function's entry
#include <gort.h>
#include <stdio.h>
#include <string.h>

#define SAY(what, ok) printf("%s%s\n", (ok) ? "" : "WRONG: ", what)

static bool is_zero(const gort_frame *f)
{
    return f->pc == 0 && f->func == NULL && f->function[0] == '\0' && f->file[0] == '\0' &&
           f->line == 0 && f->entry == 0;
}

static __attribute__((noinline)) int here(uintptr_t *pcs)
{
    int n = gort_callers(1, pcs, 16);
    __asm__ volatile("" ::: "memory");
    return n;
}

static __attribute__((noinline)) int above(uintptr_t *pcs)
{
    int n = here(pcs);
    __asm__ volatile("" ::: "memory");
    return n;
}

static int run(int argc, char **argv)
{
    gort_frame f;
    uintptr_t pcs[32], junk[] = {1, 16, ~(uintptr_t)0};
    (void)argc, (void)argv;

    gort_frames *none = gort_callers_frames(NULL, 0);
    bool more = gort_frames_next(none, &f);
    SAY("nothing of nothing", !more && is_zero(&f));

    gort_frames *unknown = gort_callers_frames(junk, 3);
    more = gort_frames_next(unknown, &f);
    SAY("unknown ones are left out", !more && is_zero(&f));

    pcs[0] = 1;
    int n = above(pcs + 1) + 1;
    pcs[n] = 1;
    pcs[n + 1] = 2;
    gort_frames *all = gort_callers_frames(pcs, n + 2);
    static const char *const names[] = {"here", "above", "run"};
    bool right = true;
    int count = 0;
    do {
        more = gort_frames_next(all, &f);
        right &=
            count < 3 && strcmp(f.function, names[count]) == 0 && more == (count < 2) && f.line > 0;
        right &= f.func != NULL && f.entry == gort_func_entry(f.func) && f.pc > f.entry;
        count++;
    } while (more);
    SAY("3 frames, the last without another", right && count == 3);
    more = gort_frames_next(all, &f);
    SAY("zero again", !more && is_zero(&f) && !gort_frames_next(all, &f));

    uintptr_t entry = (uintptr_t)above;
    gort_frames_next(gort_callers_frames(&entry, 1), &f);
    SAY("a list that begins with a function's entry",
        f.pc == entry && strcmp(f.function, "above") == 0);
    return 0;
}

GORT_MAIN(run)
