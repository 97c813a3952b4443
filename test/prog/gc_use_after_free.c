/* A pointer that the program hides from the collector leads to 0xdeadbeef, with clobberfree=1. */
// env: GODEBUG=clobberfree=1
// skip-on: asan tsan
// expect: 64: deadbeef
// expect: 4096: deadbeef
#include "keep.h"

enum { OBJECTS = 128 };

/* Many, since one of them might be kept by a word that happens to look so. Every second slot stays in use: pages
 * where nothing is are given back to the system, which makes them zero. */
static void show_freed(size_t bytes)
{
    void **kept = gort_alloc(OBJECTS * sizeof *kept);
    uintptr_t *hidden = gort_alloc_noscan(OBJECTS * sizeof *hidden);
    int lost = 0;
    int found = 0;
    for (int i = 0; i < OBJECTS; i++) {
        void *object = memset(gort_alloc(bytes), 0x11, bytes);
        if ((uintptr_t)object / bytes % 2 == 0)
            kept[i] = object;
        else
            hidden[lost++] = TURN(object);
    }
    wipe_stack();
    gort_gc();
    for (int i = 0; i < lost; i++)
        if (*(volatile uint32_t *)(TURN(hidden[i]) + 16) == 0xdeadbeef)
            found++;
    printf("%zu: %s\n", bytes, found > lost / 2 ? "deadbeef" : "as it was");
    gort_keep_alive(kept);
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
