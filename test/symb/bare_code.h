/* bare_code.h: a page that may be executed, of no module. */
#include <criterion/criterion.h>
#include <stdint.h>
#include <sys/mman.h>

static inline uintptr_t bare_code(void)
{
    static void *page;
    if (page == NULL)
        page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(page, MAP_FAILED);
    return (uintptr_t)page;
}
