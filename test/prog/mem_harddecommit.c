/* GODEBUG=harddecommit=1: pages given back have no access rights until they are used again. */
// no-fault: vm_decommit
// env: GODEBUG=harddecommit=1
// expect: no access: 1
// expect: used again
// skip-on: arm64
#include <gort.h>
#include <gort/debug.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is there a mapping around p that gives no rights? */
static int forbidden(uintptr_t p)
{
    char line[512];
    int found = 0;
    FILE *f = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, f) != NULL) {
        unsigned long lo, hi;
        char rights[8];
        if (sscanf(line, "%lx-%lx %7s", &lo, &hi, rights) == 3 && p >= lo && p < hi)
            found = strcmp(rights, "---p") == 0;
    }
    fclose(f);
    return found;
}

static uintptr_t hidden; /* upside down: no pointer */

static char *all[32]; /* together, then none */

__attribute__((noinline)) static void fill(void)
{
    for (int i = 0; i < 32; i++) {
        all[i] = gort_alloc_noscan(1 << 20);
        memset(all[i], 1, 1 << 20);
    }
    hidden = ~(uintptr_t)all[7];
    memset(all, 0, sizeof all);
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fill();
    gort_debug_free_os_memory();
    printf("no access: %d\n", forbidden(~hidden));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 64; i++) {
            char *p = gort_alloc_noscan(1 << 20);
            for (size_t k = 0; k < 1 << 20; k += 512)
                if (p[k] != 0)
                    abort();
            memset(p, 2, 1 << 20);
        }
        gort_debug_free_os_memory();
    }
    puts("used again");
    return 0;
}
GORT_MAIN(run)
