/* build.c: gort build. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* -o may name a folder, existing or by a slash at its end; then the usual name goes there. */
static bool names_folder(const char *output)
{
    struct stat st;
    size_t n = strlen(output);
    return (n > 0 && output[n - 1] == '/') || (stat(output, &st) == 0 && S_ISDIR(st.st_mode));
}

static int build(int argc, char **argv)
{
    struct flags f = {.takes_output = true};
    int first = flags_parse(&verb_build, argc, argv, &f);
    if (first < 0)
        return STATUS_USAGE;
    int n = sources_count(argc - first, argv + first);
    if (first + n < argc) {
        fprintf(stderr, "gort: %s: named files must be C or C++ files\n", argv[first + n]);
        return STATUS_FAILED;
    }
    if (!sources_check(n, argv + first))
        return STATUS_FAILED;
    char name[1024], path[4096];
    sources_default_name(argv[first], name, sizeof(name));
    const char *output = f.output == NULL ? name : f.output;
    if (names_folder(output) && f.output != NULL) {
        if (!f.dry && mkdir(output, 0777) != 0 && !names_folder(output)) {
            perror(output);
            return STATUS_FAILED;
        }
        snprintf(path, sizeof(path), "%s/%s", output, name);
        output = path;
    }
    return compile(&f, n, argv + first, output);
}

const struct verb verb_build = {
    .name = "build",
    .usage = "build [-o output] [build flags] files...",
    .summary = "compile C files into a program with gort in it",
    .text =
        "Build compiles and links the named C and C++ files into one program, statically with\n"
        "libgort, so that it runs where gort is not installed. Without -o the program is named\n"
        "after the first file. Object files and archives may be among the files.\n"
        "\n"
        "The -o flag forces build to write the program to the named file. If the named output\n"
        "is an existing directory or ends with a slash, the program is written there.\n"
        "\n"
        "The build flags are shared by the build and run commands:\n"
        "\n"
        "\t-n\n"
        "\t\tprint the commands but do not run them.\n"
        "\t-v\n"
        "\t\tprint the names of files as they are compiled.\n"
        "\t-work\n"
        "\t\tprint the name of the temporary work directory and\n"
        "\t\tdo not delete it when exiting.\n"
        "\t-x\n"
        "\t\tprint the commands.\n"
        "\n"
        "CC, CFLAGS, CXX, CXXFLAGS and LDFLAGS of the environment are used; see 'gort env'.\n"
        "\n"
        "See also: gort run.\n",
    .run = build,
};
