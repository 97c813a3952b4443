/* unwind_test.c: frames of this thread's own stack, both ways. */
#include "symb/symb.h"

#include "os/os.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

struct seen {
    uintptr_t pcs[64], sps[64];
    size_t n;
};

static __attribute__((noinline)) void look(enum symb_way way, struct seen *s)
{
    struct context here;
    struct stack own = {.lo = 0};
    struct symb_walk w;
    struct symb_frame f;
    os_thread_stack(&own.lo, &own.hi);
    (void)arch_save(&here);
    s->n = 0;
    for (symb_walk_begin(&w, &here, &own, NULL, false, way); s->n < 64 && symb_walk_next(&w, &f);
         s->n++) {
        s->pcs[s->n] = f.pc;
        s->sps[s->n] = f.sp;
    }
}

static __attribute__((noinline)) void look_deeper(enum symb_way way, struct seen *s, int depth)
{
    if (depth == 0)
        look(way, s);
    else
        look_deeper(way, s, depth - 1);
    __asm__ volatile("" ::: "memory");
}

static bool named(uintptr_t pc, const char *name)
{
    struct symb_line lines[8];
    size_t n = symb_lines(pc, false, SYMB_FULL, lines, 8);
    for (size_t i = 0; i < n; i++)
        if (lines[i].function != NULL && strcmp(lines[i].function, name) == 0)
            return true;
    return false;
}

Test(unwind, both_ways_see_the_same_frames_of_code_with_frame_pointers)
{
    struct seen full, safe;
    look_deeper(SYMB_FULL, &full, 5);
    look_deeper(SYMB_SAFE, &safe, 5);
    cr_assert(safe.n >= 7);
    cr_assert(full.n >= safe.n);
    for (size_t i = 1; i < 7; i++) {
        cr_expect(named(full.pcs[i], "look_deeper"), "frame %zu", i);
        cr_expect(named(safe.pcs[i], "look_deeper"), "frame %zu", i);
        cr_expect(full.sps[i] == safe.sps[i], "frame %zu", i);
    }
}

Test(unwind, stack_pointers_grow)
{
    struct seen s;
    look_deeper(SYMB_FULL, &s, 10);
    for (size_t i = 1; i < s.n; i++)
        cr_expect(s.sps[i] > s.sps[i - 1]);
}

static struct seen from_callback;

static int compare(const void *a, const void *b)
{
    if (from_callback.n == 0)
        look(SYMB_FULL, &from_callback);
    return *(const int *)a - *(const int *)b;
}

Test(unwind, goes_through_the_c_library)
{
    int v[] = {3, 2, 1};
    bool found = false;
    qsort(v, 3, sizeof v[0], compare);
    for (size_t i = 0; i < from_callback.n; i++)
        found |= named(from_callback.pcs[i], "unwind_goes_through_the_c_library_impl");
    cr_expect(named(from_callback.pcs[1], "compare"));
    cr_expect(found);
}

Test(unwind, ends_where_a_frame_pointer_leaves_the_stack)
{
    uintptr_t fake[16] = {0};
    struct stack own = {.lo = (uintptr_t)fake, .hi = (uintptr_t)(fake + 16)};
    struct context c = {.pc = 1000, .sp = (uintptr_t)&fake[0], .fp = (uintptr_t)&fake[2]};
    struct symb_walk w;
    struct symb_frame f;
    fake[2] = (uintptr_t)&fake[6];
    fake[3] = 2000;
    fake[6] = 0x4141414141414141; /* aligned or not, it is not on the stack */
    fake[7] = 3000;
    symb_walk_begin(&w, &c, &own, NULL, true, SYMB_SAFE);
    cr_assert(symb_walk_next(&w, &f) && f.pc == 1000 && f.exact);
    cr_assert(symb_walk_next(&w, &f) && f.pc == 2000 && !f.exact);
    cr_assert(symb_walk_next(&w, &f) && f.pc == 3000 && f.cfa == 0);
    cr_assert(!symb_walk_next(&w, &f));
}

Test(unwind, ends_where_frame_pointers_go_round)
{
    uintptr_t fake[16] = {0};
    struct stack own = {.lo = (uintptr_t)fake, .hi = (uintptr_t)(fake + 16)};
    struct context c = {.pc = 1000, .sp = (uintptr_t)&fake[0], .fp = (uintptr_t)&fake[2]};
    struct symb_walk w;
    struct symb_frame f;
    size_t n = 0;
    fake[2] = (uintptr_t)&fake[6];
    fake[3] = 2000;
    fake[6] = (uintptr_t)&fake[2];
    fake[7] = 3000;
    for (symb_walk_begin(&w, &c, &own, NULL, true, SYMB_SAFE); symb_walk_next(&w, &f); n++)
        cr_assert(n < 10);
    cr_expect(n == 3);
}

Test(unwind, sees_nothing_of_a_context_off_its_stack)
{
    uintptr_t fake[4] = {0};
    struct stack own = {.lo = (uintptr_t)fake, .hi = (uintptr_t)(fake + 4)};
    struct context c = {.pc = 1000, .sp = (uintptr_t)fake + 72};
    struct symb_walk w;
    struct symb_frame f;
    symb_walk_begin(&w, &c, &own, NULL, true, SYMB_SAFE);
    cr_expect(!symb_walk_next(&w, &f));
}

Test(unwind, counts_an_exact_frame_as_a_call)
{
    uintptr_t fake[4] = {0}, pcs[4];
    struct stack own = {.lo = (uintptr_t)fake, .hi = (uintptr_t)(fake + 4)};
    struct context c = {.pc = 1000, .sp = (uintptr_t)fake};
    struct symb_walk w;
    symb_walk_begin(&w, &c, &own, NULL, true, SYMB_SAFE);
    cr_assert(symb_walk_pcs(&w, pcs, 4) == 1);
    cr_expect(pcs[0] == 1001);
}
