/* main.c: the gort command: picks the verb. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

const struct verb *const verbs[] = {
    &verb_build, &verb_env, &verb_help, &verb_run, &verb_version, NULL,
};

int usage_error(const struct verb *v)
{
    fprintf(stderr, "usage: gort %s\nRun 'gort help %s' for details.\n", v->usage, v->name);
    return STATUS_USAGE;
}

static const struct verb *verb_find(const char *name)
{
    for (const struct verb *const *v = verbs; *v != NULL; v++)
        if (strcmp((*v)->name, name) == 0)
            return *v;
    return NULL;
}

/* `gort` and `gort -h` print what `gort help` prints, as an error. */
static int no_verb(void)
{
    verbs_list(stderr);
    return STATUS_USAGE;
}

int main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "-help") == 0 ||
        strcmp(argv[1], "--help") == 0)
        return no_verb();
    const struct verb *v = verb_find(argv[1]);
    if (v == NULL) {
        fprintf(stderr, "gort %s: unknown command\nRun 'gort help' for usage.\n", argv[1]);
        return STATUS_USAGE;
    }
    int status = v->run(argc - 1, argv + 1);
    if (fflush(stdout) != 0 && status == 0) {
        perror("gort: stdout");
        return STATUS_FAILED;
    }
    return status;
}
