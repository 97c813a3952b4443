// env: GODEBUG=gcpacertrace=1
// env: GOMAXPROCS=2
// Under qemu nothing runs while a cycle marks, so the heap does not grow in it.
// skip-on: arm64
// Nor where the kernel stops telling what was written: then each cycle is one stop.
// no-fault: pagemap_scan
// expect-re: ^pacer: assist ratio=[+]\d\.\d{6}e[+-]\d{3} \(scan \d+ MB in \d+->\d+ MB\) workers=0[+][+]2\.500000e-001$
// expect-re: ^pacer: \d+% CPU \(25 exp\.\) for \d+\+\d+\+\d+ B work \(\d+ B exp\.\) in \d+ B -> \d+ B \(∆goal -?\d+, cons/mark [+]\d\.\d{6}e[+-]\d{3}\)$
// expect-re: ^over$
#include <gort.h>

#include <stdio.h>

static uint32_t cycles(void)
{
    static gort_mem_stats stats;
    static int turn;
    if (turn++ % 1000 == 0)
        gort_read_mem_stats(&stats);
    return stats.num_gc;
}

/* The second line comes only from a cycle during which the heap grew. */
static int program(int argc, char **argv)
{
    void **keep = NULL;
    (void)argc;
    (void)argv;
    for (int i = 0; i < 300000 || cycles() < 5; i++) {
        void **node = gort_alloc(256);
        *node = i % 50000 == 0 ? NULL : (void *)keep;
        keep = node;
    }
    fprintf(stderr, "over\n");
    return keep == NULL;
}

GORT_MAIN(program)
