/* others.c: the rows about memory for those that are compared besides Go: Boehm's collector, with -DBDWGC, and
 * any malloc that this is linked with, which has to free each object.
 *
 * Usage   others ROW [SCALE]        with GOMAXPROCS threads
 * Prints one line of JSON, as rows.c. Each row is the same program as its namesake there, with threads
 * for goroutines.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#ifdef BDWGC
#define GC_THREADS
#include <gc.h>
#define NEW(bytes)       GC_MALLOC(bytes)
#define NEW_PLAIN(bytes) GC_MALLOC_ATOMIC(bytes)
#define FREE(p)          ((void)(p))
#define COLLECTED        true
#else
#define NEW(bytes)       calloc(1, (bytes))
#define NEW_PLAIN(bytes) malloc(bytes)
#define FREE(p)          free(p)
#define COLLECTED        false
#endif
#include <pthread.h>

static int threads = 1;

static void check(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "others: %s\n", what);
    exit(1);
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void figure(const char *name, double value)
{
    printf("\"%s\":%.4f,", name, value);
}

/* ---- objects of one size */

static size_t size;
static bool pointers;
static int64_t each; /* objects of a thread */

/* The sizes are known when this is compiled, as in a program. */
#define LOOP(bytes)                                                                                \
    static void loop_##bytes(void **ring, size_t mask)                                             \
    {                                                                                              \
        for (int64_t i = 0; i < each; i++) {                                                       \
            void **p = pointers ? NEW(bytes) : NEW_PLAIN(bytes);                                   \
            *p = pointers ? (void *)ring : NULL;                                                   \
            FREE(ring[(size_t)i & mask]);                                                          \
            ring[(size_t)i & mask] = p;                                                            \
        }                                                                                          \
    }
LOOP(8)
LOOP(16)
LOOP(64)
LOOP(256)
LOOP(1024)
LOOP(4096)
LOOP(65536)

static const struct kind {
    size_t size;
    int64_t n;
    void (*loop)(void **ring, size_t mask);
} kinds[] = {
    {8, 10000000, loop_8},      {16, 10000000, loop_16},    {64, 10000000, loop_64},
    {256, 5000000, loop_256},   {1024, 2000000, loop_1024}, {4096, 500000, loop_4096},
    {65536, 50000, loop_65536},
};
static const struct kind *kind;

static void *alloc_thread(void *arg)
{
    size_t slots = (1 << 20) / size < 1024 ? (1 << 20) / size : 1024;
    void **ring = NEW(slots * sizeof *ring);
    kind->loop(ring, slots - 1);
    for (size_t i = 0; i < slots && !COLLECTED; i++)
        FREE(ring[i]);
    FREE(ring);
    return arg;
}

static void run_threads(void *(*fn)(void *), int n)
{
    pthread_t all[64];
    for (int i = 0; i < n; i++)
        check(pthread_create(&all[i], NULL, fn, (void *)(intptr_t)i) == 0, "no thread");
    for (int i = 0; i < n; i++)
        pthread_join(all[i], NULL);
}

/* alloc_SIZE or alloc_SIZE_ptr. */
static int64_t alloc_row(const char *name, int64_t scale)
{
    char *rest;
    size = strtoul(name + strlen("alloc_"), &rest, 10);
    pointers = strcmp(rest, "_ptr") == 0;
    for (kind = kinds; kind < kinds + sizeof kinds / sizeof *kinds; kind++)
        if (kind->size == size && (pointers || *rest == 0)) {
            each = kind->n / scale / threads;
            run_threads(alloc_thread, threads);
            return each * threads;
        }
    return 0;
}

/* ---- trees */

typedef struct node node;
struct node {
    node *left, *right;
};

static node *tree(int depth)
{
    node *n = NEW(sizeof *n);
    if (depth > 0) {
        n->left = tree(depth - 1);
        n->right = tree(depth - 1);
    }
    return n;
}

static int64_t nodes(const node *n)
{
    return n->left == NULL ? 1 : 1 + nodes(n->left) + nodes(n->right);
}

static void drop(node *n)
{
    if (COLLECTED || n == NULL)
        return;
    drop(n->left);
    drop(n->right);
    FREE(n);
}

static int most;

static void *trees_thread(void *arg)
{
    int depth = 4 + 2 * (int)(intptr_t)arg;
    int64_t count = (int64_t)1 << (most - depth + 4), sum = 0;
    for (int64_t i = 0; i < count; i++) {
        node *n = tree(depth);
        sum += nodes(n);
        drop(n);
    }
    check(sum == count * ((2L << depth) - 1), "a tree is not what it was");
    return NULL;
}

static int log2_of(int64_t n)
{
    return 63 - __builtin_clzll((unsigned long long)n);
}

static int64_t trees(int64_t n)
{
    most = log2_of(n);
    node *first = tree(most + 1);
    check(nodes(first) == (4L << most) - 1, "the first tree is not whole");
    drop(first);
    first = NULL;
    node *stays = tree(most);
    run_threads(trees_thread, (most - 4) / 2 + 1);
    check(nodes(stays) == (2L << most) - 1, "the tree that stays is not whole");
    return n;
}

typedef struct box box;
struct box {
    box *left, *right;
    int i, j;
};

static box *bottom_up(int depth)
{
    box *b = NEW(sizeof *b);
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
    b->left = NEW(sizeof *b);
    b->right = NEW(sizeof *b);
    top_down(depth - 1, b->left);
    top_down(depth - 1, b->right);
}

static int64_t boxes(const box *b)
{
    return b == NULL ? 0 : 1 + boxes(b->left) + boxes(b->right);
}

static void drop_boxes(box *b)
{
    if (COLLECTED || b == NULL)
        return;
    drop_boxes(b->left);
    drop_boxes(b->right);
    FREE(b);
}

static int64_t gcbench(int64_t n)
{
    int doubles = 500000;
    most = log2_of(n) - 2;
    box *first = bottom_up(most + 2);
    check(boxes(first) == (8L << most) - 1, "the first tree is not whole");
    drop_boxes(first);
    box *stays = NEW(sizeof *stays);
    top_down(most, stays);
    double *array = NEW_PLAIN((size_t)doubles * sizeof *array);
    for (int i = 1; i < doubles / 2; i++)
        array[i] = 1.0 / i;
    for (int depth = 4; depth <= most; depth += 2) {
        int64_t count = (4L << most) / ((2L << depth) - 1);
        for (int64_t i = 0; i < count; i++) {
            box *b = NEW(sizeof *b);
            top_down(depth, b);
            drop_boxes(b);
        }
        for (int64_t i = 0; i < count; i++)
            drop_boxes(bottom_up(depth));
    }
    check(boxes(stays) == (2L << most) - 1 && array[1000] == 1.0 / 1000, "what stays is not whole");
    return n;
}

/* ---- a large heap, of Boehm's collector only */

#ifdef BDWGC
typedef struct {
    uint64_t words[4];
} leaf;

typedef struct item item;
struct item {
    item *next;
    leaf *leaf;
    uint64_t key, value;
};

static item **chains;
static size_t nchains;
static int64_t stop_began, longest_stop;
static uint64_t slots[64 * 16];

static void on_event(GC_EventType event)
{
    if (event == GC_EVENT_PRE_STOP_WORLD)
        stop_began = clock_ns(CLOCK_MONOTONIC);
    if (event != GC_EVENT_POST_START_WORLD)
        return;
    int64_t stop = clock_ns(CLOCK_MONOTONIC) - stop_began;
    longest_stop = stop > longest_stop ? stop : longest_stop;
}

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static item *new_item(item *next, uint64_t key)
{
    item *n = GC_MALLOC(sizeof *n);
    n->leaf = GC_MALLOC_ATOMIC(sizeof *n->leaf);
    memset(n->leaf, 0, sizeof *n->leaf);
    n->leaf->words[0] = key;
    n->next = next;
    n->key = key;
    return n;
}

static void rewire(uint64_t *random)
{
    uint64_t r = next_random(random);
    item **at = &chains[(r >> 8) % nchains];
    for (int steps = r & 3; steps > 0 && *at != NULL && (*at)->next != NULL; steps--)
        at = &(*at)->next;
    *at = new_item(*at != NULL ? (*at)->next : NULL, r);
}

static unsigned slot_of(uint64_t ns)
{
    unsigned power = ns < 16 ? 3 : 63 - (unsigned)__builtin_clzll(ns);
    return (power - 3) * 16 + (unsigned)(ns < 16 ? ns : ns >> (power - 4)) % 16;
}

static double slots_part(double part, int64_t count)
{
    unsigned i = 0;
    for (double left = part * (double)count; i < 64 * 16 - 1 && (left -= (double)slots[i]) > 0;)
        i++;
    return i < 16 ? i : (double)((uint64_t)(16 + i % 16) << (i / 16 - 1));
}

static int64_t heap_live(int64_t n)
{
    uint64_t random = 88172645463325252u;
    GC_set_free_space_divisor(4); /* a collection after a quarter of the heap, about */
    nchains = (size_t)n / 16 + 1;
    chains = GC_MALLOC(nchains * sizeof *chains);
    for (int64_t i = 0; i < n; i++) {
        uint64_t r = next_random(&random);
        item **at = &chains[(r >> 8) % nchains];
        *at = new_item(*at, r);
    }
    GC_gcollect();
    GC_set_on_collection_event(on_event);
    GC_word since = GC_get_gc_no();
    int64_t cpu;
    int64_t ops = n / 2, t0 = clock_ns(CLOCK_MONOTONIC), last = t0, gap = 0;
    for (int64_t i = 0; i < ops; i++) {
        rewire(&random);
        int64_t now = clock_ns(CLOCK_MONOTONIC);
        slots[slot_of((uint64_t)(now - last))]++;
        gap = now - last > gap ? now - last : gap;
        last = now;
    }
    double cycles = (double)(GC_get_gc_no() - since);
    figure("total_ms", (double)(last - t0) / 1e6);
    figure("ns", (double)(last - t0) / (double)n);
    figure("stop_us", (double)longest_stop / 1e3);
    figure("cycles", cycles);
    figure("gap_us", (double)gap / 1e3);
    figure("p50_ns", slots_part(0.5, ops));
    figure("p999_ns", slots_part(0.999, ops));
    cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), t0 = clock_ns(CLOCK_MONOTONIC);
    GC_gcollect();
    cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    figure("gc_ms", (double)(clock_ns(CLOCK_MONOTONIC) - t0) / 1e6);
    figure("mark_ns", (double)cpu / 2 / (double)n);
    figure("mark_mb_s", (double)n * 64 * 1e3 / (double)cpu);
    return 0; /* has told its times */
}
#endif

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "", *procs = getenv("GOMAXPROCS");
    int64_t scale = argc > 2 ? strtoll(argv[2], NULL, 10) : 1, n = -1;
    threads = procs != NULL ? atoi(procs) : 1;
#ifdef BDWGC
    GC_INIT();
#endif
    printf("{");
    int64_t t0 = clock_ns(CLOCK_MONOTONIC), cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
    if (strncmp(name, "alloc_", 6) == 0)
        n = alloc_row(name, scale);
    else if (strcmp(name, "trees") == 0)
        n = trees((1 << 20) / scale);
    else if (strcmp(name, "gcbench") == 0)
        n = gcbench((1 << 18) / scale);
#ifdef BDWGC
    else if (strcmp(name, "heap_1g") == 0)
        n = heap_live((1 << 24) / scale);
#endif
    check(n >= 0, "no such row");
    double ns = (double)(clock_ns(CLOCK_MONOTONIC) - t0);
    if (n > 0) {
        figure("ns", ns / (double)n);
        figure("total_ms", ns / 1e6);
    }
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    figure("cpu_ms", (double)(clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e6);
    printf("\"peak_kib\":%ld}\n", u.ru_maxrss);
    return 0;
}
