/* One object that the limited address space has no room for. */
// The sanitizers want a large address space themselves; qemu takes the limit and does not keep to it.
// skip-on: asan tsan arm64
// exit: 2
// expect-re: ^runtime: out of memory: cannot allocate 17179869184-byte block \([0-9]+ in use\)$
// expect-re: ^fatal error: out of memory$
// not: check failed
#include <gort.h>
#include <sys/resource.h>

static int run(int argc, char **argv)
{
    struct rlimit limit = {(rlim_t)8 << 30, (rlim_t)8 << 30};
    (void)argc;
    (void)argv;
    setrlimit(RLIMIT_AS, &limit);
    return *(int *)gort_alloc((size_t)16 << 30);
}
GORT_MAIN(run)
