/* mem_shrinkstack.h: for the programs mem_shrinkstack_*.c: a goroutine that went deep, came back and waits
 * while collections run. Are the pages that it used then still in memory? */
#include "await.h"

#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { DEEP_BYTES = 100 * 1024, CYCLES = 4 };

static uintptr_t deepest;

/* Writes DEEP_BYTES of stack. */
__attribute__((noinline)) static void deep(void)
{
    volatile char frame[DEEP_BYTES];
    for (size_t i = 0; i < sizeof frame; i += 512)
        frame[i] = 1;
    deepest = (uintptr_t)frame;
}

static void waits(gort_chan *began, gort_chan *end)
{
    int n = 0;
    deep();
    gort_chan_send(began, &n);
    gort_chan_recv(end, &n);
    gort_chan_send(began, &n);
}

/* How many of the 16 pages above the deepest are in memory. */
static unsigned pages_in_memory(void)
{
    enum { PAGES = 16 };
    unsigned char in[PAGES];
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), at = (deepest + page - 1) & ~(page - 1);
    unsigned n = 0;
    if (mincore((void *)at, PAGES * page, in) != 0)
        return PAGES + 1;
    for (unsigned i = 0; i < PAGES; i++)
        n += in[i] & 1;
    return n;
}

static int run(int argc, char **argv)
{
    gort_chan *began = gort_make_chan(int, 0), *end = gort_make_chan(int, 0);
    int n = 0;
    (void)argc;
    (void)argv;
    gort_go(waits, began, end);
    gort_chan_recv(began, &n);
    await("[chan receive]", 1);
    printf("%u of 16 pages\n", pages_in_memory());
    while (gort_num_goroutine() > 1 && n < CYCLES) {
        gort_gc();
        n++;
    }
    printf("%u of 16 pages\n", pages_in_memory());
    gort_chan_send(end, &n);
    gort_chan_recv(began, &n);
    printf("it goes on\n");
    return 0;
}
GORT_MAIN(run)
