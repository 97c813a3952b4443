/* A nil dereference: the line is that of the faulting instruction, not of the one before. */
// The sanitizers put their own look at the address before the load, and lines move.
// skip-on: asan tsan
// exit: 2
// expect-re: ^panic: runtime error: invalid memory address or nil pointer dereference$
// expect-re: ^\[signal SIGSEGV: segmentation violation code=0x1 addr=0x10 pc=0x[0-9a-f]+\]$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^load\(\)$
// expect-re: ^\t/.*trace_nil\.c:22 \+0x
// expect-re: ^run\(\)$
// not: sched_fault|panic_fault|arch_fault_entry
#include <gort.h>

struct thing {
    long a, b, c;
};

static __attribute__((noinline)) long load(struct thing *t)
{
    __asm__ volatile("nop");
    long c = *(volatile long *)&t->c;
    __asm__ volatile("nop");
    return c + 1;
}

static int run(int argc, char **argv)
{
    (void)argv;
    struct thing *none = NULL;
    __asm__ volatile("" : "+r"(none));
    return (int)load(none) + argc;
}

GORT_MAIN(run)
