/* gc.c: random graphs, changed by many goroutines while collections run.
 *
 * usage: gc SEED SECONDS
 *
 * Each goroutine has a table of nodes, and there is one that all share. A node is of one of several sizes
 * and kinds, has a few fields, and carries a sum over its own address and its number, and a copy of what each
 * field should point to: the number of that node. Goroutines make nodes, link them, unlink them, hand them to each other through channels,
 * through frames of waiting goroutines and through the kernel, keep some only in a frame deep down the stack, and walk paths: a node that was freed too early
 * has lost its sum or its number. Meanwhile somebody calls gort_gc now and then. The first line tells the
 * seed; the exit status is 0 if all was right.
 */
#include <gort.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORKERS = 8, TABLE = 256, SHARED = 512, FIELDS = 4, PATH = 40, DEEP = 30 };

struct node;
typedef struct edge {
    struct node *to;
    uint64_t number; /* of *to; 0: to is NULL */
} edge;
GORT_TYPE(edge, to)
typedef struct node node;
struct node {
    node *field[FIELDS];
    uint64_t expects[FIELDS]; /* the number of the node there */
    uint64_t number, sum;
    unsigned char *text; /* without pointers, of `text_bytes` bytes, all alike */
    uint32_t text_bytes;
    uint32_t bytes;
};
GORT_TYPE(node, field, text)

struct worker {
    uint64_t seed, made;
    unsigned id;
    edge table[TABLE];
};

static struct {
    struct worker *worker[WORKERS];
    gort_mutex lock;
    edge shared[SHARED]; /* lock */
    gort_chan *mail;
    int pipe[2];
    gort_mutex pipe_lock;
    int stop;
} r;

static int failures;

static uint64_t next(uint64_t *s)
{
    *s ^= *s << 13;
    *s ^= *s >> 7;
    *s ^= *s << 17;
    return *s * 0x2545F4914F6CDD1Du >> 16;
}

static void fail(const char *what, const node *n, uint64_t expected)
{
    fprintf(stderr, "FAILED: %s: node %p has number %lx, expected %lx\n", what, (const void *)n,
            (unsigned long)n->number, (unsigned long)expected);
    __atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
}

static uint64_t sum_of(const node *n)
{
    return (n->number * 0x9E3779B97F4A7C15u) ^ (uintptr_t)n ^ ((uint64_t)n->bytes << 40);
}

static void check(const char *where, const node *n, uint64_t number)
{
    if (n->number != number || n->sum != sum_of(n)) {
        fail(where, n, number);
        return;
    }
    for (uint32_t i = 0; i < n->text_bytes; i += 97)
        if (n->text[i] != (unsigned char)number)
            fail("text", n, number);
}

static node *make_node(struct worker *w)
{
    static const uint32_t sizes[] = {sizeof(node), sizeof(node), 160,   300,   520,
                                     1500,         9000,         40000, 300000};
    uint64_t pick = next(&w->seed) % 1000;
    unsigned size = pick < 990 ? (unsigned)(pick % 6) : 6 + (unsigned)(pick % 3);
    uint32_t bytes = sizes[size];
    node *n = pick % 3 == 0 ? gort_new(node) : NULL;
    if (n == NULL)
        n = pick % 3 == 1 ? gort_new_array(node, bytes / sizeof(node)) : gort_alloc(bytes);
    n->number = ((uint64_t)w->id << 48) | ++w->made;
    n->bytes = bytes;
    if (next(&w->seed) % 4 == 0) {
        n->text_bytes = 1 + (uint32_t)(next(&w->seed) % (pick % 16 == 0 ? 60000 : 300));
        n->text = gort_alloc_noscan(n->text_bytes);
        memset(n->text, (int)(unsigned char)n->number, n->text_bytes);
    }
    n->sum = sum_of(n);
    return n;
}

static edge edge_to(node *n)
{
    return (edge){n, n->number};
}

/* Nodes of one worker's own graph only: nobody else changes their fields. */
static void set_field(node *n, unsigned i, edge l)
{
    n->field[i] = l.to;
    n->expects[i] = l.number;
}

static void walk(struct worker *w, edge at)
{
    for (int step = 0; step < PATH && at.to != NULL; step++) {
        check("path", at.to, at.number);
        unsigned i = (unsigned)(next(&w->seed) % FIELDS);
        at = (edge){at.to->field[i], at.to->expects[i]};
    }
}

static edge *any(struct worker *w)
{
    return &w->table[next(&w->seed) % TABLE];
}

/* A list whose only reference is in a frame, below which much happens. */
static __attribute__((noinline)) uint64_t deep(struct worker *w, int depth)
{
    volatile edge keep = edge_to(make_node(w));
    uint64_t made = 0;
    if (depth > 0)
        made = deep(w, depth - 1);
    else
        for (int i = 0; i < 50; i++)
            made += make_node(w)->number;
    check("frame", keep.to, keep.number);
    return made;
}

static void share(struct worker *w)
{
    edge mine = edge_to(make_node(w)), theirs;
    edge *at = &r.shared[next(&w->seed) % SHARED];
    gort_mutex_lock(&r.lock);
    theirs = *at;
    *at = mine;
    gort_mutex_unlock(&r.lock);
    if (theirs.to != NULL)
        check("shared", theirs.to, theirs.number);
}

static void post(struct worker *w)
{
    edge l = edge_to(make_node(w));
    edge got;
    bool received;
    if (!gort_chan_try_send(r.mail, &l) && gort_chan_try_recv(r.mail, &got, &received) && received)
        check("mail", got.to, got.number);
}

static void answer(edge *where, struct worker *w, gort_waitgroup *done)
{
    *where = edge_to(make_node(w)); /* into the frame of the goroutine that waits */
    gort_waitgroup_done(done);
}

static void ask(struct worker *w)
{
    edge got = {NULL, 0};
    struct worker *other = gort_alloc(sizeof *other);
    gort_waitgroup done = {0};
    other->seed = next(&w->seed) | 1;
    other->id = w->id;
    other->made = w->made += 100;
    gort_waitgroup_add(&done, 1);
    gort_go(answer, &got, other, &done);
    gort_waitgroup_wait(&done);
    check("answer", got.to, got.number);
}

static void through_kernel(struct worker *w)
{
    edge l = edge_to(make_node(w));
    edge *at = gort_alloc(sizeof *at);
    gort_mutex_lock(&r.pipe_lock);
    if (write(r.pipe[1], &l, sizeof l) != sizeof l || read(r.pipe[0], at, sizeof *at) != sizeof *at)
        abort();
    gort_mutex_unlock(&r.pipe_lock);
    check("sent", l.to, l.number);
    *any(w) = *at; /* as the kernel wrote it */
}

static void one_step(struct worker *w)
{
    edge *at = any(w);
    switch (next(&w->seed) % 16) {
    case 0:
    case 1:
    case 2:
    case 3: { /* a new node before an old one */
        node *n = make_node(w);
        for (unsigned i = 0; i < FIELDS; i++)
            if (next(&w->seed) % 2 == 0)
                set_field(n, i, *any(w));
        *at = edge_to(n);
        break;
    }
    case 4:
    case 5:
    case 6: /* a new end */
        if (at->to != NULL)
            set_field(at->to, (unsigned)(next(&w->seed) % FIELDS), edge_to(make_node(w)));
        break;
    case 7:
    case 8: /* moved: the old place forgets it */
        *any(w) = *at;
        *at = (edge){NULL, 0};
        break;
    case 9: /* cut */
        if (at->to != NULL)
            set_field(at->to, (unsigned)(next(&w->seed) % FIELDS), (edge){NULL, 0});
        break;
    case 10:
        share(w);
        break;
    case 11:
        post(w);
        break;
    case 12:
        if (next(&w->seed) % 8 == 0)
            ask(w);
        break;
    case 13:
        if (next(&w->seed) % 32 == 0)
            deep(w, (int)(next(&w->seed) % DEEP));
        break;
    case 14:
        if (next(&w->seed) % 16 == 0)
            through_kernel(w);
        break;
    default:
        walk(w, *at);
    }
}

/* Cuts paths, so that graphs do not grow without end. */
static void prune(struct worker *w)
{
    for (int i = 0; i < TABLE; i++) {
        edge *at = &w->table[i];
        if (at->to != NULL && next(&w->seed) % 4 == 0)
            for (unsigned k = 0; k < FIELDS; k++)
                set_field(at->to, k, (edge){NULL, 0});
        if (next(&w->seed) % 8 == 0)
            *at = (edge){NULL, 0};
    }
}

static void work(struct worker *w, gort_waitgroup *done)
{
    for (int i = 1; !__atomic_load_n(&r.stop, __ATOMIC_ACQUIRE); i++) {
        one_step(w);
        if (i % 500 == 0)
            prune(w);
        if (i % 64 == 0)
            gort_gosched();
    }
    for (int i = 0; i < TABLE; i++)
        walk(w, w->table[i]);
    gort_waitgroup_done(done);
}

/* Collections at odd moments, besides those that the heap asks for. */
static void collect(uint64_t seed, gort_waitgroup *done)
{
    while (!__atomic_load_n(&r.stop, __ATOMIC_ACQUIRE)) {
        gort_sleep((int64_t)(next(&seed) % 20000000));
        gort_gc();
    }
    gort_waitgroup_done(done);
}

static int run(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    int64_t ns = (int64_t)(argc > 2 ? atoi(argv[2]) : 2) * 1000000000;
    gort_waitgroup done = {0};
    printf("seed %lu\n", (unsigned long)seed);
    fflush(stdout);
    if (pipe(r.pipe) != 0)
        return 1;
    r.mail = gort_make_chan(edge, 16);
    gort_waitgroup_add(&done, WORKERS + 1);
    for (unsigned i = 0; i < WORKERS; i++) {
        r.worker[i] = gort_alloc(sizeof *r.worker[i]);
        r.worker[i]->seed = (seed + i) * 0x9E3779B97F4A7C15u | 1;
        r.worker[i]->id = i + 1;
        gort_go(work, r.worker[i], &done);
    }
    gort_go(collect, seed * 2 + 1, &done);
    gort_sleep(ns);
    __atomic_store_n(&r.stop, 1, __ATOMIC_RELEASE);
    gort_waitgroup_wait(&done);
    return failures != 0;
}
GORT_MAIN(run)
