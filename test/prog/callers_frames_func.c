/* Functions as objects: one for each, nil for what is none, the declaration's line at the entry. */
// exit: 2
// expect-re: ^the same object$
// expect-re: ^nil of nothing$
// expect-re: ^nil has no name$
// expect-re: ^of a library$
// expect-re: ^its own line$
// expect-re: ^elsewhere does no harm$
// expect-re: ^panic: runtime error: invalid memory address or nil pointer dereference$
#include <gort.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SAY(what, ok) printf("%s%s\n", (ok) ? "" : "WRONG: ", what)

static __attribute__((noinline)) int work(int n)
{
    return n * 3 + (int)strlen("x");
}
enum { WORK_LINE = __LINE__ - 4 };

static int run(int argc, char **argv)
{
    const char *file = NULL;
    int line = 0;
    (void)argv;
    setvbuf(stdout, NULL, _IONBF, 0);
    uintptr_t pc = (uintptr_t)work;
    const gort_func *f = gort_func_for_pc(pc);
    SAY("the same object", f != NULL && f == gort_func_for_pc(pc + 1) && gort_func_entry(f) == pc &&
                               strcmp(gort_func_name(f), "work") == 0);
    SAY("nil of nothing", gort_func_for_pc(0) == NULL && gort_func_for_pc(~(uintptr_t)0) == NULL);
    SAY("nil has no name", gort_func_name(NULL)[0] == '\0');
    SAY("of a library",
        strstr(gort_func_name(gort_func_for_pc((uintptr_t)qsort)), "qsort") != NULL);
    gort_func_file_line(f, pc, &file, &line);
    SAY("its own line", line == WORK_LINE && strstr(file, "/callers_frames_func.c") != NULL);
    gort_func_file_line(f, (uintptr_t)run, &file, &line);
    SAY("elsewhere does no harm", file != NULL);
    return (int)gort_func_entry(argc > 9 ? f : NULL) + work(argc);
}

GORT_MAIN(run)
