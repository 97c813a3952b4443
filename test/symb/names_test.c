/* names_test.c: what a pc of this program means. */
#include "symb/symb.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static inline __attribute__((always_inline)) uintptr_t pc_of_innermost(void)
{
    uintptr_t pc;
    __asm__ volatile("" ::: "memory");
#if defined(__x86_64__)
    __asm__ volatile("leaq 1f(%%rip), %0\n1: nop\n nop" : "=r"(pc));
#else
    __asm__ volatile("adr %0, 1f\n1: nop\n nop" : "=r"(pc));
#endif
    return pc;
}

static inline __attribute__((always_inline)) uintptr_t pc_of_middle(void)
{
    return pc_of_innermost(); /* line of the call */
}
enum { MIDDLE_LINE = __LINE__ - 2 };

static __attribute__((noinline)) uintptr_t pc_of_outer(void)
{
    return pc_of_middle();
}
enum { OUTER_LINE = __LINE__ - 2 };

Test(names, inlined_calls_are_lines_of_their_own)
{
    struct symb_line l[8];
    size_t n = symb_lines(pc_of_outer(), true, SYMB_FULL, l, 8);
    cr_assert(n == 3);
    cr_expect_str_eq(l[0].function, "pc_of_innermost");
    cr_expect_str_eq(l[1].function, "pc_of_middle");
    cr_expect_str_eq(l[2].function, "pc_of_outer");
    cr_expect(l[0].inlined && l[1].inlined && !l[2].inlined);
    cr_expect_eq(l[1].line, MIDDLE_LINE);
    cr_expect_eq(l[2].line, OUTER_LINE);
    cr_expect(strstr(l[1].path, "names_test.c") != NULL);
    cr_expect_eq(l[2].entry, (uintptr_t)pc_of_outer);
    cr_expect_eq(l[0].entry, (uintptr_t)pc_of_outer);
}

Test(names, the_same_question_has_the_same_answer)
{
    struct symb_line a[8], b[8];
    uintptr_t pc = pc_of_outer();
    size_t n = symb_lines(pc, true, SYMB_FULL, a, 8);
    cr_assert_eq(symb_lines(pc, true, SYMB_FULL, b, 8), n);
    for (size_t i = 0; i < n; i++) {
        cr_expect_str_eq(a[i].function, b[i].function);
        cr_expect_eq(a[i].line, b[i].line);
        cr_expect_eq(a[i].entry, b[i].entry);
    }
}

Test(names, a_return_address_belongs_to_the_call_before_it)
{
    struct symb_line l[8];
    size_t n = symb_lines((uintptr_t)pc_of_outer, false, SYMB_FULL, l, 8);
    cr_assert(n >= 1);
    cr_expect(l[n - 1].function == NULL || strcmp(l[n - 1].function, "pc_of_outer") != 0);
}

Test(names, functions_of_libraries_have_names)
{
    struct symb_line l[8];
    size_t n = symb_lines((uintptr_t)qsort, true, SYMB_FULL, l, 8);
    cr_assert(n >= 1 && l[n - 1].function != NULL);
    cr_expect(strstr(l[n - 1].function, "qsort") != NULL);
}

Test(names, nothing_is_known_of_nothing)
{
    struct symb_line l[2];
    cr_assert_eq(symb_lines(1, true, SYMB_FULL, l, 2), 1);
    cr_expect(l[0].function == NULL && l[0].path == NULL && l[0].entry == 0);
    cr_assert_eq(symb_lines((uintptr_t)pc_of_outer, true, SYMB_SAFE, l, 2), 1);
    cr_expect(l[0].function == NULL);
}

Test(names, the_symbol_table_alone_knows_names_and_entries)
{
    struct symb_symbol s;
    cr_assert(symb_elf_symbol((uintptr_t)pc_of_outer + 1, &s));
    cr_expect_str_eq(s.name, "pc_of_outer");
    cr_expect_eq(s.entry, (uintptr_t)pc_of_outer);
    cr_assert(symb_elf_symbol((uintptr_t)qsort + 1, &s));
    cr_expect(strstr(s.name, "qsort") != NULL);
    cr_expect(!symb_elf_symbol(1, &s));
}
