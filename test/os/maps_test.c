/* maps_test.c: what may be executed, as the kernel says and as its list of mappings says. */
#include "os/maps.h"
#include "os/os.h"
#include "support.h"

#include <criterion/criterion.h>
#include <sys/mman.h>
#include <unistd.h>

static int variable;
static const int constant = 1;

static void *map(int rights)
{
    void *p = mmap(NULL, 3 * os_page_bytes(), PROT_NONE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    cr_assert_neq(p, MAP_FAILED);
    cr_assert_eq(mprotect((char *)p + os_page_bytes(), os_page_bytes(), rights), 0);
    return (char *)p + os_page_bytes();
}

Test(maps, code_may_be_executed)
{
    cr_expect(os_may_execute((uintptr_t)map));
    cr_expect(os_may_execute((uintptr_t)getpid)); /* of a shared library */
}

Test(maps, what_is_no_code_may_not)
{
    cr_expect_not(os_may_execute(0));
    cr_expect_not(os_may_execute(1));
    cr_expect_not(os_may_execute(0x414141414141));
    cr_expect_not(os_may_execute(0x4141414141414141));
    cr_expect_not(os_may_execute(UINTPTR_MAX));
    cr_expect_not(os_may_execute((uintptr_t)&variable));
    cr_expect_not(os_may_execute((uintptr_t)&constant));
    int local;
    cr_expect_not(os_may_execute((uintptr_t)&local));
    cr_expect_not(os_may_execute((uintptr_t)map(PROT_READ | PROT_WRITE)));
}

Test(maps, a_mapping_ends_where_it_ends)
{
    uintptr_t p = (uintptr_t)map(PROT_READ | PROT_EXEC);
    for (int i = 0; i < 2; i++) { /* the second time from memory */
        cr_expect(os_may_execute(p));
        cr_expect(os_may_execute(p + os_page_bytes() - 1));
        cr_expect_not(os_may_execute(p - 1));
        cr_expect_not(os_may_execute(p + os_page_bytes()));
    }
}

Test(maps, the_text_says_what_the_kernel_says)
{
    uintptr_t p = (uintptr_t)map(PROT_EXEC);
    uintptr_t at[] = {0,
                      1,
                      UINTPTR_MAX,
                      p - 1,
                      p,
                      p + os_page_bytes() - 1,
                      p + os_page_bytes(),
                      (uintptr_t)map,
                      (uintptr_t)getpid,
                      (uintptr_t)&variable,
                      (uintptr_t)&constant,
                      (uintptr_t)at};
    for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
        int maps = os_maps_open();
        cr_assert_geq(maps, 0);
        cr_expect_eq(os_may_execute_by_text(maps, at[i]), os_may_execute(at[i]), "%#lx",
                     (unsigned long)at[i]);
        os_close(maps);
    }
}
