/* trees.c: the binary-trees program of the Benchmarks Game: many trees that live for a moment beside one
 * that stays.
 *
 *     trees [DEPTH]        of the largest trees; 16
 *
 * What to look at: the program allocates some gigabytes and frees nothing. Each depth has a goroutine of
 * its own, so several allocate at once. The last line tells what the collector had to do meanwhile; with
 * GODEBUG=gctrace=1 in the environment it writes a line for each collection:
 *
 *     gc 3 @0.055s 6%: 0.070+2.2+0.08 ms clock, ..., 8->8->2 MB, 8 MB goal, ...
 *
 * The third, 55 ms after the start, with 6% of all CPU time so far spent on collecting: the program stood
 * still for 0.070 ms and 0.08 ms, and ran during the 2.2 ms between. The heap had 8 MB at the beginning,
 * 8 MB at the end, of which 2 MB were alive; it was to be complete at 8 MB.
 */
#include <gort.h>

#include <stdio.h>
#include <stdlib.h>

typedef struct node node;
struct node {
    node *left, *right;
};
GORT_TYPE(node, left, right)

enum { LEAST = 4 }; /* depth of the smallest trees */

typedef struct {
    int depth, count;
    long check; /* nodes of all trees */
} job;

static node *tree(int depth)
{
    node *n = gort_new(node);
    if (depth > 0) {
        n->left = tree(depth - 1);
        n->right = tree(depth - 1);
    }
    return n;
}

static long nodes(const node *n)
{
    return n->left == NULL ? 1 : 1 + nodes(n->left) + nodes(n->right);
}

static void grow(job *j, gort_waitgroup *left)
{
    for (int i = 0; i < j->count; i++)
        j->check += nodes(tree(j->depth));
    gort_waitgroup_done(left);
}

static void report(int64_t began)
{
    gort_mem_stats *m = gort_new(gort_mem_stats); /* too large for a small stack */
    gort_read_mem_stats(m);
    uint64_t longest = 0;
    for (int i = 0; i < 256; i++)
        longest = m->pause_ns[i] > longest ? m->pause_ns[i] : longest;
    fprintf(stderr, "%.3f s, %.0f MB allocated, %u collections, longest stop %.3f ms\n",
            (double)(gort_nanotime() - began) / 1e9, (double)m->total_alloc / 1e6, m->num_gc,
            (double)longest / 1e6);
}

static int run(int argc, char **argv)
{
    int64_t began = gort_nanotime();
    int most = argc > 1 ? atoi(argv[1]) : 16;
    if (most < LEAST + 2 || most > 26) {
        fprintf(stderr, "usage: trees [DEPTH]        from %d to 26\n", LEAST + 2);
        return 2;
    }
    printf("stretch tree of depth %d\t check: %ld\n", most + 1, nodes(tree(most + 1)));
    node *stays = tree(most);

    job jobs[32] = {0};
    int njobs = 0;
    gort_waitgroup left = {0};
    for (int depth = LEAST; depth <= most; depth += 2, njobs++) {
        jobs[njobs] = (job){.depth = depth, .count = 1 << (most - depth + LEAST)};
        gort_waitgroup_add(&left, 1);
        gort_go(grow, &jobs[njobs], &left);
    }
    gort_waitgroup_wait(&left);
    for (const job *j = jobs; j < jobs + njobs; j++)
        printf("%d\t trees of depth %d\t check: %ld\n", j->count, j->depth, j->check);
    printf("long lived tree of depth %d\t check: %ld\n", most, nodes(stays));
    report(began);
    return 0;
}

GORT_MAIN(run)
