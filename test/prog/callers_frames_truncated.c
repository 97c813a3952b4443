/* The file of a module becomes shorter while its names are read: the kernel says so by SIGBUS. The names are lost,
 * the program is not, and a fault of its own is a panic as ever. */
// link: -ldl
// skip-on: arm64
// no-fault: open_file vm_map
// exit: 0
// expect: named
// expect: gone, and we live
// expect: others are still named
// expect: own faults are panics
#include "module_copy.h"

#include <gort.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SAY(what, ok) printf("%s%s\n", (ok) ? "" : "WRONG: ", what)

static void faults(void)
{
    GORT_SCOPE
    {
        *(volatile int *)8 = 1;
    }
}

static void caught(void *arg)
{
    (void)arg;
    gort_any r;
    gort_recover(&r);
    SAY("own faults are panics", r.type != NULL);
    fflush(stdout);
    unlink(copy);
    _exit(0); /* the loader would read the lost pages */
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    if (!copy_libm())
        return 1;
    void *module = dlopen(copy, RTLD_NOW | RTLD_LOCAL);
    uintptr_t first = (uintptr_t)dlsym(module, "cbrt"), second = (uintptr_t)dlsym(module, "expm1");
    SAY("named", strstr(gort_func_name(gort_func_for_pc(first)), "cbrt") != NULL);
    if (truncate(copy, 0) != 0)
        return 1;
    const gort_func *f = gort_func_for_pc(second);
    SAY("gone, and we live", f == NULL || gort_func_name(f)[0] != '\0');
    SAY("others are still named", gort_func_for_pc((uintptr_t)run) != NULL);
    GORT_SCOPE
    {
        gort_defer(caught, NULL);
        faults();
    }
    return 1;
}

GORT_MAIN(run)
