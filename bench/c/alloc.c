/* alloc.c: objects of one size, allocated on all processors. Each goroutine keeps its last ones, up to a
 * megabyte; the others are garbage. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    void *a;
} ptr8;
GORT_TYPE(ptr8, a)
typedef struct {
    void *a, *b;
} ptr16;
GORT_TYPE(ptr16, a, b)
typedef struct {
    void *a, *b;
    char rest[48];
} ptr64;
GORT_TYPE(ptr64, a, b)
typedef struct {
    void *a, *b;
    char rest[240];
} ptr256;
GORT_TYPE(ptr256, a, b)
typedef struct {
    void *a, *b;
    char rest[1008];
} ptr1024;
GORT_TYPE(ptr1024, a, b)
typedef struct {
    void *a, *b;
    char rest[4080];
} ptr4096;
GORT_TYPE(ptr4096, a, b)
typedef struct {
    void *a, *b;
    char rest[65520];
} ptr65536;
GORT_TYPE(ptr65536, a, b)

static size_t size;

/* Of each kind the same function with a size that the compiler knows, as a program has it. */
#define LOOP(bytes)                                                                                \
    static void plain_##bytes(void **ring, size_t mask, int64_t n)                                 \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            int64_t *p = gort_alloc_noscan(bytes);                                                 \
            *p = i;                                                                                \
            ring[(size_t)i & mask] = p;                                                            \
        }                                                                                          \
    }                                                                                              \
    static void pointers_##bytes(void **ring, size_t mask, int64_t n)                              \
    {                                                                                              \
        for (int64_t i = 0; i < n; i++) {                                                          \
            ptr##bytes *p = gort_new(ptr##bytes);                                                  \
            p->a = ring;                                                                           \
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

typedef void (*loop)(void **ring, size_t mask, int64_t n);
static const struct kind {
    size_t size;
    int64_t n;
    loop plain, pointers;
} kinds[] = {
    {8, 10000000, plain_8, pointers_8},          {16, 10000000, plain_16, pointers_16},
    {64, 10000000, plain_64, pointers_64},       {256, 5000000, plain_256, pointers_256},
    {1024, 2000000, plain_1024, pointers_1024},  {4096, 500000, plain_4096, pointers_4096},
    {65536, 50000, plain_65536, pointers_65536},
};

static loop chosen;

int64_t alloc_named(const char *name)
{
    char *rest;
    size = strtoul(name + strlen("alloc_"), &rest, 10);
    for (const struct kind *k = kinds; k < kinds + sizeof kinds / sizeof *kinds; k++) {
        if (k->size != size)
            continue;
        chosen = strncmp(rest, "_ptr", 4) == 0 ? k->pointers : k->plain;
        bool off = strstr(rest, "_off") != NULL;
        if (off)
            gort_debug_set_gc_percent(-1);
        int64_t fit = (int64_t)((1u << 30) / size); /* without collections, a gigabyte at most */
        return off && fit < k->n ? fit : k->n;
    }
    return 0;
}

static void one(int64_t n, gort_waitgroup *left)
{
    size_t slots = (1 << 20) / size < 1024 ? (1 << 20) / size : 1024;
    void **ring = gort_alloc(slots * sizeof *ring);
    chosen(ring, slots - 1, n);
    gort_keep_alive(ring);
    gort_waitgroup_done(left);
}

void alloc_objects(int64_t n)
{
    int procs = gort_gomaxprocs(0);
    gort_waitgroup left = {0};
    gort_waitgroup_add(&left, procs);
    for (int i = 0; i < procs; i++)
        gort_go(one, n / procs, &left);
    gort_waitgroup_wait(&left);
}
