/* Profiles say where each function is declared: those with a frame, inlined ones, and those of the library. */
// link: -lz
// cflags: -fno-optimize-sibling-calls -fno-ipa-icf
// env: GODEBUG=memprofilerate=1
// expect: leaf: right
// expect: inlined: right
// expect: defined later: right
// expect: run: right
// expect: one line for each name: right
#include "pprof_reader.h"

static void *volatile kept;

enum { LEAF = __LINE__ + 1 };
static __attribute__((noinline)) void leaf(void)
{
    kept = gort_alloc_noscan(1000);
    __asm__ volatile("" ::: "memory");
}

enum { INLINED = __LINE__ + 1 };
static inline __attribute__((always_inline)) void inlined(void)
{
    kept = gort_alloc_noscan(2000);
    __asm__ volatile("" ::: "memory");
}

void defined_later(int n);

static __attribute__((noinline)) void some(void)
{
    leaf();
    inlined();
    defined_later(3);
}

/* Declared above. */
enum { DEFINED_LATER = __LINE__ + 1 };
__attribute__((noinline)) void defined_later(int n)
{
    kept = gort_alloc_noscan((size_t)n * 1000);
    __asm__ volatile("" ::: "memory");
}

static long start_line(const struct pprof_file *f, const char *name)
{
    long line = -1;
    for (size_t i = 0; i < f->functions; i++) {
        if (strcmp(pprof_string(f, pprof_number(f->function[i], 2)), name) != 0)
            continue;
        long it = (long)pprof_number(f->function[i], 5);
        if (line != -1 && it != line)
            return -2; /* two of one name */
        line = it;
    }
    return line;
}

static void check(const struct pprof_file *f, const char *what, const char *name, long line)
{
    long said = start_line(f, name);
    printf("%s: %s\n", what, said == line ? "right" : "wrong");
    if (said != line)
        printf("%s begins in line %ld, not %ld\n", name, line, said);
}

enum { RUN = __LINE__ + 1 };
static int run(int argc, char **argv)
{
    char path[] = "/tmp/gort-lines-XXXXXX";
    int fd = mkstemp(path);
    (void)argc, (void)argv;
    some();
    if (gort_pprof_write("heap", fd, 0) != 0)
        perror("heap");
    close(fd);
    struct pprof_file *f = pprof_read(path);
    unlink(path);
    check(f, "leaf", "leaf", LEAF);
    check(f, "inlined", "inlined", INLINED);
    check(f, "defined later", "defined_later", DEFINED_LATER);
    check(f, "run", "run", RUN);
    bool each = true;
    for (size_t i = 0; i < f->functions; i++)
        each = each && start_line(f, pprof_string(f, pprof_number(f->function[i], 2))) >= 0;
    printf("one line for each name: %s\n", each ? "right" : "wrong");
    return 0;
}

GORT_MAIN(run)
