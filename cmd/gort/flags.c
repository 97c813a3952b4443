/* flags.c: the build flags, in the syntax of Go's flag package: -x, --x, -x=false, -o FILE,
 * -o=FILE;
 * `--` ends them. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

static bool *switch_named(struct flags *f, const char *name, size_t n)
{
    const struct {
        const char *name;
        bool *value;
    } known[] = {{"n", &f->dry}, {"v", &f->names}, {"work", &f->keep}, {"x", &f->show}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strlen(known[i].name) == n && strncmp(known[i].name, name, n) == 0)
            return known[i].value;
    return NULL;
}

/* Go's strconv.ParseBool: 1 true, 0 false, -1 neither. */
static int parse_bool(const char *s)
{
    static const char *const words[2][6] = {
        {"0", "f", "F", "false", "False", "FALSE"},
        {"1", "t", "T", "true", "True", "TRUE"},
    };
    for (int value = 0; value < 2; value++)
        for (int i = 0; i < 6; i++)
            if (strcmp(s, words[value][i]) == 0)
                return value;
    return -1;
}

static int set_switch(const struct verb *v, bool *flag, const char *name, size_t n,
                      const char *value)
{
    int on = value == NULL ? 1 : parse_bool(value);
    if (on < 0) {
        fprintf(stderr, "invalid boolean value \"%s\" for -%.*s: parse error\n", value, (int)n,
                name);
        return usage_error(v);
    }
    *flag = on == 1;
    return 0;
}

/* Takes the flag at argv[i]; returns how many arguments it was, or -1. */
static int take_flag(const struct verb *v, int i, int argc, char **argv, struct flags *f)
{
    const char *name = argv[i] + (argv[i][1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    size_t n = equals == NULL ? strlen(name) : (size_t)(equals - name);
    const char *value = equals == NULL ? NULL : equals + 1;
    bool *flag = switch_named(f, name, n);
    if (flag != NULL)
        return set_switch(v, flag, name, n, value) == 0 ? 1 : -1;
    if (f->takes_output && n == 1 && name[0] == 'o') {
        f->output = value != NULL ? value : i + 1 < argc ? argv[i + 1] : NULL;
        if (f->output != NULL)
            return value != NULL ? 1 : 2;
        fprintf(stderr, "flag needs an argument: -o\n");
    } else if (strcmp(name, "h") != 0 && strcmp(name, "help") != 0) {
        fprintf(stderr, "flag provided but not defined: -%.*s\n", (int)n, name);
    }
    usage_error(v);
    return -1;
}

int flags_parse(const struct verb *v, int argc, char **argv, struct flags *f)
{
    int i = 1;
    while (i < argc && argv[i][0] == '-' && argv[i][1] != '\0') {
        if (strcmp(argv[i], "--") == 0)
            return i + 1;
        int taken = take_flag(v, i, argc, argv, f);
        if (taken < 0)
            return -1;
        i += taken;
    }
    return i;
}
