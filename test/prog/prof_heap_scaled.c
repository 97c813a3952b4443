/* At the default rate a few objects in a thousand are sampled; the file says about what all of them were. */
// link: -lz
// limit: 60
// no-fault: open_file
// expect: about 256 MiB in about 262144 objects
// expect: text has what was sampled
#include "pprof_reader.h"

enum { N = 256 * 1024, BYTES = 1024 };
static void *volatile sink;

static __attribute__((noinline)) void allocate(void)
{
    for (int i = 0; i < N; i++)
        sink = gort_alloc_noscan(BYTES);
}

/* 512 samples are expected: six standard deviations are a quarter. */
static const char *about(long what, long expected)
{
    return labs(what - expected) < expected / 4 ? "about" : "not";
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    allocate();
    gort_gc();
    const struct pprof_file *f = pprof_of("allocs");
    long bytes = pprof_sum(f, "alloc_space", "allocate;");
    long objects = pprof_sum(f, "alloc_objects", "allocate;");
    printf("%s 256 MiB in %s 262144 objects\n", about(bytes, (long)N * BYTES), about(objects, N));
    long in_use, used, sampled = 0;
    sscanf(pprof_text("heap", 1), "heap profile: %ld: %ld [%ld:", &in_use, &used, &sampled);
    printf("text has %s\n",
           strcmp(about(sampled, N / 512), "about") == 0 ? "what was sampled" : "something else");
    return 0;
}

GORT_MAIN(run)
