/* trees.c: trees of small nodes: the Benchmarks Game's binary-trees, and GCBench by Ellis, Kovac and Boehm. */
#include "rows.h"

typedef struct node node;
struct node {
    node *left, *right;
};
GORT_TYPE(node, left, right)

/* Not inlined into the functions below: the levels that the compiler would put into their frames leave pointers
 * to parts of dead trees there, which keep these alive (docs/internals/performance.md). */
#define LEVEL __attribute__((noinline))

static LEVEL node *tree(int depth)
{
    node *n = gort_new(node);
    if (depth > 0) {
        n->left = tree(depth - 1);
        n->right = tree(depth - 1);
    }
    return n;
}

static LEVEL int64_t nodes(const node *n)
{
    return n->left == NULL ? 1 : 1 + nodes(n->left) + nodes(n->right);
}

static void many(int depth, int64_t count, gort_waitgroup *left)
{
    int64_t sum = 0;
    for (int64_t i = 0; i < count; i++)
        sum += nodes(tree(depth));
    check(sum == count * ((2L << depth) - 1), "a tree is not what it was");
    gort_waitgroup_done(left);
}

static int log2_of(int64_t n)
{
    return 63 - __builtin_clzll((unsigned long long)n);
}

/* A goroutine for each depth; the largest trees have n leaves. */
void trees(int64_t n)
{
    int most = log2_of(n);
    check(nodes(tree(most + 1)) == (4L << most) - 1, "the first tree is not whole");
    node *stays = tree(most);
    gort_waitgroup left = {0};
    for (int depth = 4; depth <= most; depth += 2) {
        gort_waitgroup_add(&left, 1);
        gort_go(many, depth, (int64_t)1 << (most - depth + 4), &left);
    }
    gort_waitgroup_wait(&left);
    check(nodes(stays) == (2L << most) - 1, "the tree that stays is not whole");
}

typedef struct box box;
struct box {
    box *left, *right;
    int i, j;
};
GORT_TYPE(box, left, right)

static LEVEL box *bottom_up(int depth)
{
    box *b = gort_new(box);
    if (depth > 0) {
        b->left = bottom_up(depth - 1);
        b->right = bottom_up(depth - 1);
    }
    return b;
}

static void top_down(int depth, box *b)
{
    if (depth <= 0)
        return;
    b->left = gort_new(box);
    b->right = gort_new(box);
    top_down(depth - 1, b->left);
    top_down(depth - 1, b->right);
}

static LEVEL int64_t boxes(const box *b)
{
    return b == NULL ? 0 : 1 + boxes(b->left) + boxes(b->right);
}

/* The first tree has n leaves; another one and an array of doubles stay. */
void gcbench(int64_t n)
{
    int most = log2_of(n) - 2, doubles = 500000;
    check(boxes(bottom_up(most + 2)) == (8L << most) - 1, "the first tree is not whole");
    box *stays = gort_new(box);
    top_down(most, stays);
    double *array = gort_alloc_noscan((size_t)doubles * sizeof *array);
    for (int i = 1; i < doubles / 2; i++)
        array[i] = 1.0 / i;
    for (int depth = 4; depth <= most; depth += 2) {
        int64_t count = (4L << most) / ((2L << depth) - 1);
        for (int64_t i = 0; i < count; i++) {
            box *b = gort_new(box);
            top_down(depth, b);
            gort_keep_alive(b);
        }
        for (int64_t i = 0; i < count; i++)
            gort_keep_alive(bottom_up(depth));
    }
    check(boxes(stays) == (2L << most) - 1 && array[1000] == 1.0 / 1000, "what stays is not whole");
}
