/* vm_test.c: what the kernel says of memory. */
#include "os/os.h"

#include <criterion/criterion.h>
#include <errno.h>

Test(vm, tells_what_can_be_read)
{
    size_t page = os_page_bytes();
    char *p = os_map(3 * page);
    cr_assert_not_null(p);
    p[2 * page] = 1;
    cr_assert_eq(os_forbid(p + page, page), 0);
    cr_expect(os_can_read((uintptr_t)p));
    cr_expect_not(os_can_read((uintptr_t)(p + page)));
    cr_expect(os_can_read((uintptr_t)(p + 2 * page)));
    os_unmap(p, 3 * page);
    bool after = os_can_read((uintptr_t)p); /* before anybody maps something there */
    cr_expect_not(after);
    cr_expect_not(os_can_read(8));
    cr_expect_not(os_can_read(0));
}

Test(vm, tells_what_is_in_memory)
{
    size_t page = os_page_bytes();
    unsigned char in_memory[3] = {0};
    char *p = os_map(3 * page);
    cr_assert_not_null(p);
    p[page] = 1;
    cr_assert_eq(os_pages_in_memory(p, 3, in_memory), 0);
    cr_expect_eq(in_memory[1] & 1, 1);
    os_unmap(p + 2 * page, page);
    int r = os_pages_in_memory(p, 3, in_memory); /* before anybody maps something there */
    cr_expect_eq(r, -ENOMEM, "not all of it is mapped");
    cr_assert_eq(os_pages_in_memory(p, 2, in_memory), 0);
    cr_expect_eq(in_memory[1] & 1, 1);
    os_unmap(p, 2 * page);
}
