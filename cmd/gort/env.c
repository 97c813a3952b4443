/* env.c: gort env: the variables that gort and its programs look at, as they stand. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <gort.h>

static struct tree tree;

static const char *root_value(void)
{
    return tree.root;
}
static const char *include_value(void)
{
    return tree.include;
}
static const char *library_value(void)
{
    return tree.library;
}

/* A variable's value: of the environment, else `otherwise`, else what `find` says. A variable that
 * only tells has `fixed` set: the environment does not change it. */
struct variable {
    const char *name;
    const char *otherwise;
    const char *(*find)(void);
    bool fixed;
};

static const struct variable variables[] = {
    {"CC", "cc", NULL, false},
    {"CFLAGS", "-O2 -g", NULL, false},
    {"CXX", "c++", NULL, false},
    {"CXXFLAGS", "-O2 -g", NULL, false},
    {"GOARCH", GORT_GOARCH, NULL, true},
    {"GODEBUG", "", NULL, false},
    {"GOGC", "", NULL, false},
    {"GOMAXPROCS", "", NULL, false},
    {"GOMEMLIMIT", "", NULL, false},
    {"GOOS", GORT_GOOS, NULL, true},
    {"GOROOT", NULL, root_value, false},
    {"GORTINCLUDE", NULL, include_value, true},
    {"GORTLIB", NULL, library_value, true},
    {"GORTVERSION", NULL, gort_version, true},
    {"GORT_STACK", "", NULL, false},
    {"GOTRACEBACK", "", NULL, false},
    {"LDFLAGS", "", NULL, false},
};
enum { VARIABLES = sizeof(variables) / sizeof(variables[0]) };

static const char *value_of(const struct variable *v)
{
    const char *otherwise = v->find != NULL ? v->find() : v->otherwise;
    return v->fixed ? otherwise : env_or(v->name, otherwise);
}

static const struct variable *variable_find(const char *name)
{
    for (size_t i = 0; i < VARIABLES; i++)
        if (strcmp(variables[i].name, name) == 0)
            return &variables[i];
    return NULL;
}

static void print_shell(const char *name, const char *value)
{
    printf("%s='", name);
    for (; *value != '\0'; value++)
        if (*value == '\'')
            fputs("'\"'\"'", stdout);
        else
            putchar(*value);
    puts("'");
}

static void print_json_string(const char *s)
{
    putchar('"');
    for (; *s != '\0'; s++)
        if (*s == '"' || *s == '\\')
            printf("\\%c", *s);
        else if ((unsigned char)*s < 0x20)
            printf("\\u%04x", (unsigned)(unsigned char)*s);
        else
            putchar(*s);
    putchar('"');
}

static void print_json(const char *name, const char *value, bool first)
{
    printf("%s\n\t", first ? "" : ",");
    print_json_string(name);
    printf(": ");
    print_json_string(value);
}

static const char *named_value(const char *name)
{
    const struct variable *v = variable_find(name);
    return v == NULL ? "" : value_of(v);
}

static void env_json(int n, char **names)
{
    putchar('{');
    for (int i = 0; i < (n > 0 ? n : VARIABLES); i++) {
        const char *name = n > 0 ? names[i] : variables[i].name;
        print_json(name, named_value(name), i == 0);
    }
    puts("\n}");
}

static int env(int argc, char **argv)
{
    bool json = false;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        json = strcmp(argv[i], "-json") == 0 || strcmp(argv[i], "--json") == 0;
        if (json)
            continue;
        if (strcmp(argv[i], "-h") != 0 && strcmp(argv[i], "-help") != 0)
            fprintf(stderr, "flag provided but not defined: -%s\n",
                    argv[i] + (argv[i][1] == '-' ? 2 : 1));
        return usage_error(&verb_env);
    }
    if (!tree_find(&tree))
        return STATUS_FAILED;
    if (json)
        env_json(argc - i, argv + i);
    else if (i < argc)
        for (; i < argc; i++)
            puts(named_value(argv[i]));
    else
        for (size_t v = 0; v < VARIABLES; v++)
            print_shell(variables[v].name, value_of(&variables[v]));
    return 0;
}

const struct verb verb_env = {
    .name = "env",
    .usage = "env [-json] [var ...]",
    .summary = "print gort environment information",
    .text = "Env prints gort environment information.\n"
            "\n"
            "By default env prints information as a shell script. If one or more variable names\n"
            "is given as arguments, env prints the value of each named variable on its own line.\n"
            "\n"
            "The -json flag prints the environment in JSON format instead of as a shell script.\n"
            "\n"
            "For more about environment variables, see 'gort help environment'.\n",
    .run = env,
};
