/* lost_test.c: where walks get lost, on stacks made by hand: code without tables, frame records. */
#include "symb/symb.h"

#include "os/os.h"
#include "symb/bare_code.h"

#include <errno.h>
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

enum { WORDS = 32, MAX = 100 };

static uintptr_t fake[WORDS];

static uintptr_t at(unsigned i)
{
    return (uintptr_t)&fake[i];
}

static struct stack own(void)
{
    return (struct stack){.lo = at(0), .hi = at(WORDS)};
}

static void record(unsigned i, uintptr_t older, uintptr_t ret)
{
    fake[i] = older;
    fake[i + 1] = ret;
}

static bool lost(struct symb_lost *l, size_t max)
{
    struct context c = {.pc = 1000, .sp = at(0), .fp = at(2)};
    struct stack s = own();
    return symb_lost(l, &c, true, &s, NULL, max);
}

Test(lost, where_a_frame_pointer_leaves_the_stack)
{
    struct symb_lost l;
    record(2, at(6), bare_code() + 2000);
    record(6, 0x4141414141414141, bare_code() + 3000);
    cr_assert(lost(&l, MAX));
    cr_expect(l.kind == SYMB_LOST_RETURN && l.ret == bare_code() + 3000 &&
              l.pc == bare_code() + 2000 && !l.exact);
    cr_expect(l.sp == at(4) && l.cfa == at(8) && l.slot == at(7));
    cr_expect(l.on.lo == at(0) && l.on.hi == at(WORDS));
}

Test(lost, where_frame_pointers_go_round)
{
    struct symb_lost l;
    record(2, at(6), bare_code() + 2000);
    record(6, at(2), bare_code() + 3000);
    cr_assert(lost(&l, MAX));
    cr_expect(l.kind == SYMB_LOST_RETURN && l.pc == bare_code() + 2000 &&
              l.ret == bare_code() + 3000);
}

Test(lost, at_a_return_to_zero)
{
    struct symb_lost l;
    record(2, at(6), bare_code() + 2000);
    record(6, at(10), 0);
    cr_assert(lost(&l, MAX));
    cr_expect(l.pc == 1000 && l.exact && l.ret == bare_code() + 2000);
}

Test(lost, at_once)
{
    struct symb_lost l;
    struct context c = {.pc = 1000, .sp = at(4), .fp = 8};
    struct stack s = own();
    cr_assert(symb_lost(&l, &c, true, &s, NULL, MAX));
    cr_expect(l.kind == SYMB_LOST_FRAME && l.pc == 1000 && l.exact && l.sp == at(4) && l.slot == 0);
}

Test(lost, not_as_long_as_there_are_more_frames)
{
    struct symb_lost l;
    for (unsigned i = 2; i + 2 < WORDS; i += 2)
        record(i, at(i + 2), bare_code() + 2000 + i);
    cr_expect(!lost(&l, 5));
}

Test(lost, where_no_code_can_be)
{
    struct symb_lost l;
    static char data[16];
    record(2, at(6), bare_code() + 2000);
    record(6, at(10), (uintptr_t)data);
    record(10, at(14), bare_code() + 3000);
    cr_assert(lost(&l, MAX));
    cr_expect(l.kind == SYMB_LOST_RETURN && l.ret == (uintptr_t)data && l.pc == bare_code() + 2000);
    cr_expect(l.sp == at(4) && l.cfa == at(8) && l.slot == at(7));
}

static __attribute__((noinline)) bool lost_here(void)
{
    struct symb_lost l;
    struct context c;
    struct stack s;
    os_thread_stack(&s.lo, &s.hi);
    arch_keep(&c);
    return symb_lost(&l, &c, false, &s, NULL, 1000);
}

Test(lost, not_on_a_stack_that_is_whole)
{
    symb_init();
    cr_expect(!lost_here());
    cr_expect(!lost_here()); /* from the caches */
}

Test(lost, memory_is_read_up_to_where_it_cannot_be)
{
    size_t page = os_page_bytes();
    char to[16] = "",
         *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(p != MAP_FAILED && mprotect(p + page, page, PROT_NONE) == 0);
    memcpy(p + page - 8, "readable", 8);
    cr_expect(os_read_memory(to, (uintptr_t)p + page - 8, 8) == 8 &&
              memcmp(to, "readable", 8) == 0);
    cr_expect(os_read_memory(to, (uintptr_t)p + page - 4, 8) <= 4);
    cr_expect(os_read_memory(to, (uintptr_t)p + page, 8) == -EFAULT);
    cr_expect(os_read_memory(to, 0x4141414141414141, 8) == -EFAULT);
}
