/* The memory profile as a file: with every object a sample its numbers are exact; inlined functions have
 * names, each size a label. */
// link: -lz
// cflags: -fno-optimize-sibling-calls
// env: GODEBUG=memprofilerate=1
// limit: 60
// expect: heap: 1000 objects of 1024 bytes in use by keep_one, 2000 allocated
// expect: lost: 100 objects of 106496 bytes allocated, none in use
// expect: label 1024, default inuse_space, period 1
// expect: allocs: the same numbers, default alloc_space
// expect: text agrees
#include "pprof_reader.h"

enum { N = 1000, LARGE = 100 };
static void *volatile kept[N];
static void *volatile sink;

static inline __attribute__((always_inline)) void *make(size_t bytes)
{
    return gort_alloc_noscan(bytes);
}

static __attribute__((noinline)) void keep_one(int i)
{
    kept[i] = make(1000);
}

static __attribute__((noinline)) void lose_one(void)
{
    sink = make(100000);
}

static void allocate(void *done)
{
    for (int i = 0; i < 2 * N; i++)
        keep_one(i % N);
    for (int i = 0; i < LARGE; i++)
        lose_one();
    sink = NULL;
    gort_waitgroup_done(done);
}

static bool text_agrees(void)
{
    const char *text = pprof_text("heap", 1);
    long in_use, bytes, allocs, all;
    const char *mine = strstr(text, " [2000: 2048000] @ 0x");
    if (sscanf(text, "heap profile: %ld: %ld [%ld: %ld] @ heap/2\n", &in_use, &bytes, &allocs,
               &all) != 4)
        return false;
    return in_use >= N && bytes >= 1024000 && allocs >= 2 * N + LARGE && mine != NULL &&
           strstr(mine, "\tmake+0x") < strstr(mine, "\tkeep_one+0x") &&
           strstr(mine, "\n\n# runtime.MemStats\n# Alloc = ") != NULL &&
           strstr(mine, "\n# DebugGC = false\n# MaxRSS = ") != NULL;
}

static int run(int argc, char **argv)
{
    static gort_waitgroup done;
    (void)argc, (void)argv;
    gort_waitgroup_add(&done, 1);
    gort_go(allocate, &done); /* on a stack of its own, which is gone at the collection */
    gort_waitgroup_wait(&done);
    for (int i = 0; i < 3; i++)
        gort_gc();
    const struct pprof_file *f = pprof_of("heap");
    long in_use = pprof_sum(f, "inuse_objects", "make;keep_one;");
    bool few = in_use >= N && in_use < N + 4; /* a word of some stack may keep another one */
    printf("heap: %ld objects of %ld bytes in use by keep_one, %ld allocated\n", few ? N : in_use,
           pprof_sum(f, "inuse_space", "make;keep_one;") / in_use,
           pprof_sum(f, "alloc_objects", "make;keep_one;"));
    long each = pprof_sum(f, "alloc_space", "make;lose_one;") / LARGE;
    printf("lost: %ld objects of %ld bytes allocated, %s in use\n",
           pprof_sum(f, "alloc_objects", "make;lose_one;"), each,
           pprof_sum(f, "inuse_objects", "make;lose_one;") < 4 ? "none" : "many");
    long label = 0;
    for (size_t i = 0; i < f->samples; i++)
        if (strstr(pprof_stack(f, i), "keep_one;") != NULL)
            label = pprof_label_number(f, i, "bytes");
    printf("label %ld, default %s, period %ld\n", label,
           pprof_string(f, (unsigned long)f->default_type), f->period);
    const struct pprof_file *a = pprof_of("allocs");
    printf("allocs: %s numbers, default %s\n",
           pprof_sum(a, "alloc_objects", "keep_one;") == 2 * N ? "the same" : "other",
           pprof_string(a, (unsigned long)a->default_type));
    printf("text %s\n", text_agrees() ? "agrees" : pprof_text("heap", 1));
    return 0;
}

GORT_MAIN(run)
