/* gort_debug_set_panic_on_fault is of one goroutine: another one dies of the same fault, though it began in one with
 * the setting. */
// exit: 2
// expect-re: ^unexpected fault address 0x
// expect-re: ^fatal error: fault$
// not: stopped
#include <gort.h>
#include <gort/debug.h>
#include <stdio.h>
#include <sys/mman.h>

static char *page;

static void touch(void *at)
{
    *(volatile char *)at = 1;
}

static void other(void)
{
    if (gort_try(touch, page, NULL))
        puts("stopped");
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    gort_debug_set_panic_on_fault(true);
    gort_go(other);
    for (;;)
        gort_gosched();
}

GORT_MAIN(run)
