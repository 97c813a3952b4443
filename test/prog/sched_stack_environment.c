/* GORT_STACK sets the size for all. */
// env: GORT_STACK=4MiB
// expect: 3000 KiB deep
#include <gort.h>
#include <stdio.h>
#include <string.h>

__attribute__((noinline)) static int deep(int kib)
{
    char block[1024];
    memset(block, kib, sizeof block);
    __asm__ volatile("" : : "r"(block) : "memory");
    return kib == 0 ? 0 : 1 + deep(kib - 1) + (block[5] != (char)kib);
}

static void go_deep(gort_chan *c)
{
    int n = deep(3000);
    gort_chan_send(c, &n);
}

static int run(int argc, char **argv)
{
    gort_chan *c = gort_make_chan(int, 0);
    int n;
    (void)argc;
    (void)argv;
    gort_go(go_deep, c);
    gort_chan_recv(c, &n);
    printf("%d KiB deep\n", n);
    return 0;
}
GORT_MAIN(run)
