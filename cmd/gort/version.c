/* version.c: gort version. */
#include "cmd.h"

#include <stdio.h>

#include <gort.h>

static int version(int argc, char **argv)
{
    if (argc > 1) {
        const char *arg = argv[1];
        if (arg[0] == '-' && arg[1] != 'h')
            fprintf(stderr, "flag provided but not defined: -%s\n", arg + (arg[1] == '-' ? 2 : 1));
        return usage_error(&verb_version);
    }
    printf("gort version %s %s/%s\n", gort_version(), GORT_GOOS, GORT_GOARCH);
    return 0;
}

const struct verb verb_version = {
    .name = "version",
    .usage = "version",
    .summary = "print gort version",
    .text = "Version prints gort's own version, the operating system and the architecture.\n",
    .run = version,
};
