/* A program that stores all over a heap while it is marked, so that rounds do not end by themselves: nothing is
 * lost, and the second marking finds nothing new. */
// env: GODEBUG=gccheckmark=1,clobberfree=1
// env: GOGC=50
// env: GOMAXPROCS=2
// expect: all there
// limit: 60
#include <gort.h>
#include <stdint.h>
#include <stdio.h>

enum { NODES = 150000, WRITERS = 2, STEPS = 400000 };

typedef struct node node;
struct node {
    node *a, *b;
    uint64_t number, turned;
    uint64_t rest[12];
};
GORT_TYPE(node, a, b)

static node **table;

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s;
}

static node *make(uint64_t number)
{
    node *n = gort_new(node);
    n->number = number;
    n->turned = ~number;
    return n;
}

/* Each writer has its half of the table. A node's `a` is only in that node. */
static void write_everywhere(uintptr_t who, gort_waitgroup *done)
{
    uint64_t seed = who * 77 + 1;
    for (int i = 0; i < STEPS; i++) {
        node *n = table[who * (NODES / WRITERS) + next(&seed) % (NODES / WRITERS)];
        n->a = make(n->number);
        n->b = table[next(&seed) % NODES];
    }
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    gort_waitgroup done = {0};
    int bad = 0;
    (void)argc;
    (void)argv;
    table = gort_alloc(NODES * sizeof *table);
    for (int i = 0; i < NODES; i++)
        table[i] = make((uint64_t)i);
    gort_waitgroup_add(&done, WRITERS);
    for (uintptr_t i = 0; i < WRITERS; i++)
        gort_go(write_everywhere, i, &done);
    gort_waitgroup_wait(&done);
    gort_gc();
    for (int i = 0; i < NODES; i++) {
        const node *n = table[i], *a = n->a;
        bad += n->number != (uint64_t)i || n->turned != ~n->number;
        bad += a != NULL && (a->number != n->number || a->turned != ~a->number);
    }
    if (bad == 0)
        puts("all there");
    else
        printf("%d LOST\n", bad);
    return 0;
}
GORT_MAIN(run)
