/* prof_formats_mapping.h: what a memory profile says of the program's own mapping, and of ten allocations. */
#ifndef TEST_PROG_PROF_FORMATS_MAPPING_H
#define TEST_PROG_PROF_FORMATS_MAPPING_H

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
           pprof_number(f->mapping[0], 7) != 0 ? "with names" : "names to be found later");
    printf("allocate: %ld of %zu\n", pprof_sum(f, "alloc_objects", "allocate;"),
           f->samples > 0 ? (size_t)pprof_sum(f, "alloc_objects", "") : 0);
    return 0;
}

#endif
