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
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char text[1 << 20]; /* what was traced */
static int traced;

static bool both_lines(void)
{
    ssize_t n = pread(traced, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    return strstr(text, "% CPU (") != NULL;
}

/* The second line comes only from a cycle during which the heap grew: until there was one. */
static int program(int argc, char **argv)
{
    void **keep = NULL;
    int out = dup(2);
    (void)argc;
    (void)argv;
    traced = memfd_create("trace", 0);
    dup2(traced, 2);
    for (int i = 1; i % 1000 != 0 || !both_lines(); i++) {
        void **node = gort_alloc(256);
        *node = i % 50000 == 0 ? NULL : (void *)keep;
        keep = node;
    }
    dprintf(out, "%sover\n", text);
    return keep == NULL;
}

GORT_MAIN(program)
