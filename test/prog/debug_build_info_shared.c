/* With the shared library, that is one of the modules, and has its version. */
// lib: shared
// expect-re: ^dep\t.*libgort\.so\.0\t0\t
// expect-re: ^build\tlibgort=shared$
#include <gort.h>
#include <gort/debug.h>
#include <stdio.h>

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    fputs(gort_debug_build_info_string(gort_debug_read_build_info()), stdout);
    return 0;
}

GORT_MAIN(run)
