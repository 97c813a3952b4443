/* A pointer that the program hides from the collector leads to 0xdeadbeef, with clobberfree=1. */
// env: GODEBUG=clobberfree=1
// skip-on: asan tsan
// expect: 64: deadbeef
// expect: 4096: deadbeef
#include "keep.h"

enum { OBJECTS = 64 };

/* Many, since one of them might be kept by a word that happens to look so. */
static void show_freed(size_t bytes)
{
    uintptr_t *hidden = gort_alloc_noscan(OBJECTS * sizeof *hidden);
    int found = 0;
    for (int i = 0; i < OBJECTS; i++)
        hidden[i] = TURN(memset(gort_alloc(bytes), 0x11, bytes));
    wipe_stack();
    gort_gc();
    for (int i = 0; i < OBJECTS; i++)
        if (*(volatile uint32_t *)(TURN(hidden[i]) + 16) == 0xdeadbeef)
            found++;
    printf("%zu: %s\n", bytes, found > OBJECTS / 2 ? "deadbeef" : "as it was");
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    show_freed(64);
    show_freed(4096);
    return 0;
}
GORT_MAIN(run)
