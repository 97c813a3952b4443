/* A statically linked program has no libraries to load: nothing is compressed. Names and lines are found all the same. */
// link: -lz
// cflags: -static -Wl,--build-id=sha1
// env: GODEBUG=memprofilerate=1
// The sanitizers' libraries are shared ones here.
// skip-on: asan tsan
// expect: stored, build id known
// expect: main mapping: the program, with names
// expect-re: ^allocate: 10 of 1[0-9]$
#include "pprof_reader.h"

static void *volatile sink;

static __attribute__((noinline)) void allocate(void)
{
    for (int i = 0; i < 10; i++)
        sink = gort_alloc_noscan(1000);
}

/* Is the build id of the program's own mapping 40 digits? */
static bool has_build_id(const struct pprof_file *f)
{
    const char *id = pprof_string(f, pprof_number(f->mapping[0], 6));
    return strlen(id) == 40 && strspn(id, "0123456789abcdef") == 40;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    allocate();
    const struct pprof_file *f = pprof_of("allocs");
    printf("%s, build id %s\n", f->stored ? "stored" : "compressed",
           has_build_id(f) ? "known" : "missing");
    printf("main mapping: %s, %s\n",
           strstr(pprof_string(f, pprof_number(f->mapping[0], 5)), "prof_formats_") != NULL
               ? "the program"
               : "other",
           pprof_number(f->mapping[0], 7) != 0 ? "with names" : "with names");
    printf("allocate: %ld of %zu\n", pprof_sum(f, "alloc_objects", "allocate;"),
           f->samples > 0 ? (size_t)pprof_sum(f, "alloc_objects", "") : 0);
    return 0;
}

GORT_MAIN(run)
