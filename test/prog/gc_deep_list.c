/* A list of millions of nodes: marking goes along it without recursion. Its nodes are precise, conservative
 * and too large for spans of small objects. */
// env: GODEBUG=clobberfree=1
// expect: precise: kept
// expect: conservative: kept
// expect: large: kept
// skip-on: hostile arm64
// limit: 120
#include <gort.h>
#include <stdio.h>

typedef struct node {
    uint64_t number;
    struct node *next;
    uint64_t more;
} node;
GORT_TYPE(node, next)

enum { MANY = 3000000, FEW = 2000 };

static node *new_precise(void)
{
    return gort_new(node);
}

static node *new_conservative(void)
{
    return gort_alloc(sizeof(node));
}

static node *new_large(void)
{
    return gort_alloc(40000);
}

static void show(const char *what, node *(*make)(void), uint64_t n)
{
    node *first = NULL;
    uint64_t count = 0;
    for (uint64_t i = n; i > 0; i--) {
        node *new = make();
        new->number = i;
        new->next = first;
        first = new;
    }
    gort_gc();
    gort_gc();
    for (const node *at = first; at != NULL && at->number == count + 1; at = at->next)
        count++;
    printf("%s: %s\n", what, count == n ? "kept" : "LOST");
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    show("precise", new_precise, MANY);
    show("conservative", new_conservative, MANY);
    show("large", new_large, FEW);
    return 0;
}
GORT_MAIN(run)
