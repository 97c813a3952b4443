/* The address space is limited: the report of a program that has no memory left. */
// The sanitizers want a large address space themselves; qemu takes the limit and does not keep to it.
// skip-on: asan tsan arm64
// Nor is there room for one more thread at the end.
// env: GOMAXPROCS=1
// env: GODEBUG=asyncpreemptoff=1
// exit: 2
// expect-re: ^runtime: out of memory: cannot allocate [0-9]+-byte block \([0-9]+ in use\)$
// expect-re: ^fatal error: out of memory$
// not: check failed
// limit: 60
#include "cycles.h"
#include <stdio.h>
#include <sys/resource.h>

enum { MORE = 512 };

static long mapped_mib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f != NULL) {
        if (fscanf(f, "%ld", &pages) != 1)
            pages = 0;
        fclose(f);
    }
    return pages / 256;
}

static int run(int argc, char **argv)
{
    bead *l = beads_new(1000);
    struct rlimit limit;
    (void)argc;
    (void)argv;
    gort_gc();
    limit.rlim_cur = limit.rlim_max = (rlim_t)(mapped_mib() + MORE) << 20;
    setrlimit(RLIMIT_AS, &limit);
    for (;;) {
        bead *more = gort_alloc(4096);
        more->next = l;
        l = more;
    }
    return (int)l->number;
}
GORT_MAIN(run)
