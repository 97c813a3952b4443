/* A stack that the kernel has no address space for. */
// The emulator does not apply RLIMIT_AS to the program, and the sanitizers reserve terabytes.
// skip-on: tsan asan arm64
// exit: 2
// expect: start
// expect-re: ^runtime: cannot map a stack of 17179869184 bytes for a goroutine \(have 1\)$
// expect-re: ^fatal error: runtime: cannot allocate memory$
// not: here|check failed
#include <gort.h>
#include <stdio.h>
#include <sys/resource.h>

static void never(void)
{
    puts("not here");
}

static int run(int argc, char **argv)
{
    gort_go_options large = {.stack_bytes = (size_t)16 << 30};
    struct rlimit limit = {(size_t)8 << 30, (size_t)8 << 30};
    (void)argc;
    (void)argv;
    puts("start");
    fflush(stdout);
    setrlimit(RLIMIT_AS, &limit);
    gort_debug_set_max_stack((size_t)32 << 30); /* else it would get a smaller one */
    gort_go_with(large, never);
    gort_sleep(1000000);
    return 0;
}
GORT_MAIN(run)
