/* What the program was built from: itself, the C library, and the settings; each with what tells it apart. */
// expect-re: ^go\tgort[0-9]
// expect-re: ^path\t/.*debug_build_info
// expect-re: ^mod\t/.*debug_build_info\t\tbuild-id:[0-9a-f]{16,}$
// expect-re: ^dep\t.*libc\.so\.6\t6\tbuild-id:[0-9a-f]{16,}$
// expect-re: ^build\t-buildmode=(pie|exe)$
// expect-re: ^build\t-compiler=gort$
// expect-re: ^build\tCC="(gcc|clang) [^"]*"$
// expect-re: ^build\tGOARCH=(amd64|arm64)$
// expect-re: ^build\tGOOS=linux$
// expect-re: ^build\tkind=[a-z]+$
// expect-re: ^build\tlibgort=static$
// expect-re: ^all fields are there$
// cflags: -Wl,--build-id
// only-on: release debug hostile paranoid
#include <gort.h>
#include <gort/debug.h>
#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    const gort_debug_build_info *b = gort_debug_read_build_info();
    bool libc = false, ids = true;
    fputs(gort_debug_build_info_string(b), stdout);
    for (size_t i = 0; i < b->ndeps; i++) {
        libc = libc || strstr(b->deps[i].path, "libc.so") != NULL;
        for (size_t k = 0; k < i; k++)
            ids = ids && (b->deps[i].sum[0] == '\0' || strcmp(b->deps[i].sum, b->deps[k].sum) != 0);
    }
    if (libc && ids && b->nsettings == 7 && strcmp(b->gort_version, gort_version()) == 0 &&
        strcmp(b->main.path, b->path) == 0)
        puts("all fields are there");
    return 0;
}

GORT_MAIN(run)
