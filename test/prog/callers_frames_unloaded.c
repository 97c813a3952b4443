/* A module is unloaded and another one may lie at its place: what was known of its code is void. And names are asked
 * by many goroutines at once, while modules come and go. */
// link: -ldl
// arm64's copies of libm are not where this program looks.
// skip-on: arm64
// no-fault: open_file vm_map
// expect: named while loaded
// expect: nameless when unloaded
// expect: all asked
#include "module_copy.h"

#include <gort.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAY(what, ok) printf("%s%s\n", (ok) ? "" : "WRONG: ", what)
enum { ASKERS = 8, TIMES = 400 };

static _Atomic int wrong;
static gort_waitgroup done;

static void asker(void)
{
    for (int i = 0; i < TIMES; i++) {
        const gort_func *f = gort_func_for_pc((uintptr_t)copy_file + (uintptr_t)(i % 8));
        if (f == NULL || strcmp(gort_func_name(f), "copy_file") != 0)
            atomic_fetch_add(&wrong, 1);
        if (i % 16 == 0)
            gort_gosched();
    }
    gort_waitgroup_done(&done);
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    if (!copy_libm())
        return 1;
    gort_waitgroup_add(&done, ASKERS);
    for (int i = 0; i < ASKERS; i++)
        gort_go(asker);
    bool named = true, nameless = true;
    for (int i = 0; i < 20; i++) {
        void *module = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
        uintptr_t pc = module != NULL ? (uintptr_t)dlsym(module, "cbrt") : 0;
        named &= strstr(gort_func_name(gort_func_for_pc(pc)), "cbrt") != NULL;
        named &= strstr(gort_func_name(gort_func_for_pc(pc + 1)), "cbrt") != NULL;
        dlclose(module);
        nameless &= gort_func_for_pc(pc) == NULL;
    }
    gort_waitgroup_wait(&done);
    unlink(copy);
    SAY("named while loaded", named);
    SAY("nameless when unloaded", nameless);
    SAY("all asked", atomic_load(&wrong) == 0);
    return 0;
}

GORT_MAIN(run)
