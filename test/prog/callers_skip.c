// What is skipped: calls, those that were inlined, too.
// no-fault: open_file vm_map
// expect: 0: gort_callers itself, 1: its caller, -1: as 0
// expect: inlined calls have places of their own
// expect: a skip that ends among them is marked
// expect: beyond the end there is nothing
// expect: no room, no callers
// skip-on: cover
#include <gort.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(c)                                                                                   \
    do {                                                                                           \
        if (!(c)) {                                                                                \
            printf("line %d: %s\n", __LINE__, #c);                                                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum { MAX = 64 };
static uintptr_t by_skip[8][MAX];
static int n[8];
static struct {
    bool ok;
    uintptr_t pc;
    const char *file;
    int line;
} one[10];
static int innermost_line, middle_line, outer_line, bottom_line;

static inline __attribute__((always_inline)) void innermost(void)
{
    for (int skip = 0; skip < 8; skip++)
        n[skip] = gort_callers(skip, by_skip[skip], MAX);
    innermost_line = __LINE__ + 2;
    for (int skip = 0; skip < 9; skip++)
        one[skip].ok = gort_caller(skip, &one[skip].pc, &one[skip].file, &one[skip].line);
    one[9].ok = gort_caller(-1, &one[9].pc, &one[9].file, &one[9].line);
}

static inline __attribute__((always_inline)) void middle(void)
{
    middle_line = __LINE__ + 1;
    innermost();
}

static __attribute__((noinline)) void outer(void)
{
    outer_line = __LINE__ + 1;
    middle();
}

static __attribute__((noinline)) void bottom(void)
{
    bottom_line = __LINE__ + 1;
    outer();
    __asm__ volatile("" ::: "memory");
}

static int program(int argc, char **argv)
{
    (void)argc, (void)argv;
    bottom();

    /* Frames: gort_callers, outer (with middle and innermost in it), bottom, program. */
    uintptr_t pcs[4];
    CHECK(n[0] == 4 && n[1] == 3);
    CHECK(by_skip[0][2] == by_skip[1][1] && by_skip[0][3] == by_skip[1][2]);
    CHECK(gort_callers(-5, pcs, 4) == 2 && gort_callers(0, pcs, 4) == 2);
    puts("0: gort_callers itself, 1: its caller, -1: as 0");

    CHECK(one[0].ok && one[0].line == innermost_line);
    CHECK(one[1].ok && one[1].line == middle_line);
    CHECK(one[2].ok && one[2].line == outer_line);
    CHECK(one[3].ok && one[3].line == bottom_line && one[3].pc == by_skip[1][1] - 1);
    CHECK(one[4].ok && strstr(one[4].file, "callers_skip.c") != NULL && one[4].file[0] == '/');
    CHECK(one[9].ok && one[9].pc != 0);
    puts("inlined calls have places of their own");

    CHECK(n[2] == 4 && n[3] == 4 && n[4] == 2 && n[5] == 1);
    CHECK(by_skip[2][1] + 1 == by_skip[3][1]); /* markers: one more is dropped */
    CHECK(by_skip[2][2] == by_skip[1][1] && by_skip[4][0] == by_skip[1][1]);
    CHECK(gort_callers(2, pcs, 1) == 0);
    puts("a skip that ends among them is marked");

    CHECK(n[6] == 0 && n[7] == 0);
    CHECK(!one[5].ok && one[5].pc == 0 && one[5].file[0] == '\0' && one[5].line == 0);
    CHECK(!one[6].ok && !one[7].ok && !gort_caller(1000, NULL, NULL, NULL));
    CHECK(gort_caller(0, NULL, NULL, NULL));
    puts("beyond the end there is nothing");

    CHECK(gort_callers(0, pcs, 0) == 0 && gort_callers(0, NULL, 4) == 0 &&
          gort_callers(1, pcs, -1) == 0);
    puts("no room, no callers");
    return 0;
}

int main(int argc, char **argv)
{
    return gort_run(program, argc, argv);
}
