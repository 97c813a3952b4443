/* foreign_code.h: an address `n` bytes into code of no module: where there may be any, as a compiler at run time
 * makes it. Nothing is called there. */
#ifndef TEST_SYMB_FOREIGN_CODE_H
#define TEST_SYMB_FOREIGN_CODE_H

#include <criterion/criterion.h>
#include <stdint.h>
#include <sys/mman.h>

static uintptr_t code(unsigned n)
{
    static char *at;
    if (at == NULL)
        at = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert(at != MAP_FAILED && n < 4096);
    return (uintptr_t)at + n;
}

#endif
