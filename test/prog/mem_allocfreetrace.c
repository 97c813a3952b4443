/* Each object's birth and death is shown with the stack it happened on; a collection with all. */
// env: GODEBUG=allocfreetrace=1
// env: GOMAXPROCS=1
// limit: 60
// Names come from files: without them the lines are others.
// no-fault: open_file
// expect-re: ^tracealloc\(0x[0-9a-f]+, 0x20, node\)$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^make_node\(
// expect-re: ^$
// expect-re: ^tracealloc\(0x[0-9a-f]+, 0xa000\)$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^make_large\(
// expect-re: ^tracegc\(\)$
// expect-re: ^goroutine 1 \[
// expect-re: ^end tracegc$
// expect-re: ^$
// expect-re: ^tracefree\(0x[0-9a-f]+, 0x(20|a000)\)$
// expect-re: ^goroutine [0-9]+ \[
// expect: done
#include <gort.h>
#include <stdio.h>
#include <string.h>

typedef struct node {
    struct node *next;
    long value[3];
} node;
GORT_TYPE(node, next)

static __attribute__((noinline)) void make_node(void)
{
    node *n = gort_new(node);
    __asm__ volatile("" : : "r"(n) : "memory");
}

static __attribute__((noinline)) void make_large(void)
{
    void *p = gort_alloc_noscan(40000);
    __asm__ volatile("" : : "r"(p) : "memory");
}

static __attribute__((noinline)) void clear_stack(void)
{
    char block[8192];
    memset(block, 0, sizeof block);
    __asm__ volatile("" : : "r"(block) : "memory");
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    for (int i = 0; i < 8; i++)
        make_node();
    make_large();
    clear_stack();
    gort_gc();
    printf("done\n");
    fflush(stdout);
    return 0;
}
GORT_MAIN(run)
