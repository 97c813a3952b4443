// expect-re: ^panic: runtime error: invalid memory address or nil pointer dereference$
// expect-re: ^\[signal SIGSEGV: segmentation violation code=0x1 addr=0x8 pc=0x[0-9a-f]+\]$
// expect-re: ^$
// expect-re: ^goroutine 1 \[running\]:$
// expect-re: ^last\(
// expect-re: ^run\(
// not: fatal error
// exit: 2
#include <gort.h>

struct node {
    struct node *next;
    int value;
};

static __attribute__((noinline)) int last(const struct node *n)
{
    while (n->value == 0)
        n = n->next;
    return n->value + 1;
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    struct node *volatile none = NULL;
    return last(none) + 1;
}

GORT_MAIN(run)
