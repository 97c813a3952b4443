// exit: 2
// expect-re: ^1000000000$
// expect-re: ^524288$
// expect-re: ^small enough$
// expect-re: ^fatal error: stack overflow$
// not: too large
// skip-on: asan
// A stack without a guard has no end: docs/internals/stacks.md.
// no-fault: vm_guard
#include <gort.h>

#include <stdio.h>
#include <string.h>

static gort_waitgroup wg;

/* Some KiB of frame for each level; not a tail call. */
static int deep(int levels)
{
    volatile char frame[4096];
    memset((char *)frame, levels, sizeof frame);
    return levels == 0 ? frame[17] : deep(levels - 1) + frame[18];
}

static void use_kib(int kib)
{
    (void)deep(kib / 4);
    printf("%s\n", kib < 512 ? "small enough" : "too large");
    fflush(stdout);
    gort_waitgroup_done(&wg);
}

/* A goroutine may have 4 MiB of stack, but for the limit. */
static void with_4_mib(int kib)
{
    gort_waitgroup_add(&wg, 1);
    gort_go_with(((gort_go_options){.stack_bytes = 4 << 20}), use_kib, kib);
    gort_waitgroup_wait(&wg);
}

static int program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    printf("%zu\n", gort_debug_set_max_stack(512 << 10));
    printf("%zu\n", gort_debug_set_max_stack(512 << 10));
    with_4_mib(300);
    with_4_mib(2048);
    return 0;
}

GORT_MAIN(program)
