/* GODEBUG=memprofilerate=1: every allocation is in the profile, and its end. */
// env: GODEBUG=memprofilerate=1
// limit: 60
// expect: before a collection: 100 of 100
// expect: not yet: 100 of 100
// expect: after it: 200, nearly all freed
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES = 1152, N = 100 };

static void *volatile keep[N];

static __attribute__((noinline)) void allocate(void)
{
    for (int i = 0; i < N; i++)
        keep[i] = gort_alloc_noscan(BYTES);
}

static __attribute__((noinline)) void forget(void)
{
    char block[16384];
    for (int i = 0; i < N; i++)
        keep[i] = NULL;
    memset(block, 0, sizeof block);
    __asm__ volatile("" : : "r"(block) : "memory");
}

static bool is_of_allocate(const gort_mem_profile_record *r)
{
    int n;
    const uintptr_t *pcs = gort_mem_profile_record_stack(r, &n);
    for (int i = 0; i < n; i++)
        if (pcs[i] >= (uintptr_t)allocate && pcs[i] < (uintptr_t)allocate + 128)
            return r->alloc_bytes == r->alloc_objects * BYTES;
    return false;
}

/* Adds up the records of what `allocate` allocated; each of its callers has one. */
static void find(gort_mem_profile_record *sum)
{
    static gort_mem_profile_record r[1000];
    int n;
    memset(sum, 0, sizeof *sum);
    if (!gort_mem_profile(r, 1000, true, &n))
        printf("too many records\n");
    for (int i = 0; i < n && i < 1000; i++) {
        if (!is_of_allocate(&r[i]))
            continue;
        sum->alloc_objects += r[i].alloc_objects;
        sum->alloc_bytes += r[i].alloc_bytes;
        sum->free_objects += r[i].free_objects;
        sum->free_bytes += r[i].free_bytes;
    }
}

static int run(int argc, char **argv)
{
    gort_mem_profile_record r;
    int n;
    (void)argc;
    (void)argv;
    if (gort_mem_profile_rate != 1)
        printf("rate %d\n", gort_mem_profile_rate);
    allocate();
    find(&r);
    printf("before a collection: %d of %d\n", (int)r.alloc_objects, N);
    if (r.alloc_bytes != r.alloc_objects * BYTES)
        printf("%d bytes\n", (int)r.alloc_bytes);
    if (gort_mem_profile_record_inuse_objects(&r) != N ||
        gort_mem_profile_record_inuse_bytes(&r) != N * BYTES)
        printf("not all are in use\n");
    if (gort_mem_profile(NULL, 0, true, &n) || n < 1)
        printf("too many records fit\n");
    gort_gc();
    allocate(); /* the first hundred becomes garbage */
    find(&r);
    printf("not yet: %d of %d\n", (int)r.alloc_objects, N);
    forget();
    gort_gc();
    gort_gc();
    find(&r);
    bool most =
        r.free_objects <= r.alloc_objects && r.free_objects >= 190; /* a stack may keep some */
    printf("after it: %d, %s freed\n", (int)r.alloc_objects, most ? "nearly all" : "not");
    return 0;
}
GORT_MAIN(run)
