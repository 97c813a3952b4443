/* With gort_debug_set_panic_on_fault, a fault at any address is a panic that has the address. */
// expect: was off
// expect: runtime error: invalid memory address or nil pointer dereference
// expect: a runtime error at the address
// expect: of nil: no address
// expect: 100 stopped
// expect: was on
#include <gort.h>
#include <gort/debug.h>
#include <stdio.h>
#include <sys/mman.h>

static char *page;

static void touch(void *at)
{
    *(volatile char *)at = 1;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_any v;
    uintptr_t addr = 0;
    int stopped = 0;
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    puts(gort_debug_set_panic_on_fault(true) ? "was on" : "was off");
    if (gort_try(touch, page + 42, &v))
        puts(gort_error_string(v));
    if (gort_is_runtime_error(v) && gort_error_addr(v, &addr) && addr == (uintptr_t)page + 42)
        puts("a runtime error at the address");
    if (gort_try(touch, NULL, &v) && !gort_error_addr(v, &addr))
        puts("of nil: no address");
    for (int i = 0; i < 100; i++)
        stopped += gort_try(touch, page + i, &v) && gort_error_addr(v, &addr) &&
                   addr == (uintptr_t)page + (uintptr_t)i;
    printf("%d stopped\n", stopped);
    puts(gort_debug_set_panic_on_fault(false) ? "was on" : "was off");
    return 0;
}

GORT_MAIN(run)
