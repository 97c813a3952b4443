/* unwind_test.c: frames of this thread's own stack. */
#include "symb/symb.h"

#include "os/os.h"
#include "symb/bare_code.h"
#include "symb/named.h"

#include <criterion/criterion.h>
#include <stdlib.h>

struct seen {
    uintptr_t pcs[64], sps[64];
    size_t n;
};

static __attribute__((noinline)) void look(struct seen *s)
{
    struct context here;
    struct stack own = {.lo = 0};
    struct symb_walk w;
    struct symb_frame f;
    os_thread_stack(&own.lo, &own.hi);
    (void)arch_save(&here);
    s->n = 0;
    for (symb_walk_begin(&w, &here, &own, NULL, false); s->n < 64 && symb_walk_next(&w, &f);
         s->n++) {
        s->pcs[s->n] = f.pc;
        s->sps[s->n] = f.sp;
    }
}

static __attribute__((noinline)) void look_deeper(struct seen *s, int depth)
{
    if (depth == 0)
        look(s);
    else
        look_deeper(s, depth - 1);
    __asm__ volatile("" ::: "memory");
}

Test(unwind, sees_each_call)
{
    struct seen s;
    look_deeper(&s, 5);
    cr_assert(s.n >= 7);
    for (size_t i = 1; i < 7; i++)
        cr_expect(named(s.pcs[i], "look_deeper"), "frame %zu", i);
}

Test(unwind, stack_pointers_grow)
{
    struct seen s;
    look_deeper(&s, 10);
    for (size_t i = 1; i < s.n; i++)
        cr_expect(s.sps[i] > s.sps[i - 1]);
}

static struct seen from_callback;

static int compare(const void *a, const void *b)
{
    if (from_callback.n == 0)
        look(&from_callback);
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
    fake[3] = bare_code() + 2000;
    fake[6] = 0x4141414141414141; /* aligned or not, it is not on the stack */
    fake[7] = bare_code() + 3000;
    symb_walk_begin(&w, &c, &own, NULL, true);
    cr_assert(symb_walk_next(&w, &f) && f.pc == 1000 && f.exact);
    cr_assert(symb_walk_next(&w, &f) && f.pc == bare_code() + 2000 && !f.exact);
    cr_assert(symb_walk_next(&w, &f) && f.pc == bare_code() + 3000 && f.cfa == 0);
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
    fake[3] = bare_code() + 2000;
    fake[6] = (uintptr_t)&fake[2];
    fake[7] = bare_code() + 3000;
    for (symb_walk_begin(&w, &c, &own, NULL, true); symb_walk_next(&w, &f); n++)
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
    symb_walk_begin(&w, &c, &own, NULL, true);
    cr_expect(!symb_walk_next(&w, &f));
}
