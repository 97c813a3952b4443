/* compile.c: from C sources to an executable with libgort in it.
 *
 * Owns    finding the library and its headers, which are where this command is: PREFIX/bin/gort
 *         goes with PREFIX/include and PREFIX/lib, build/<kind>/gort with its own tree. So a prefix
 *         may be moved as a whole, and no path is compiled in.
 * Links   libgort.a, so that the result runs where gort is not installed.
 */
#include "cmd.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <gort.h>

const char *env_or(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* Joins up to three parts; false when they do not fit. */
static bool join(char out[4096], const char *a, const char *b, const char *c)
{
    int n = snprintf(out, 4096, "%s%s%s", a, b, c);
    return n > 0 && n < 4096;
}

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Cuts the last name off a path. */
static void to_parent(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
}

/* A tree whose headers are in root/include and whose library is root`lib`/libgort.a. */
static bool tree_try(struct tree *t, const char *root, const char *lib)
{
    char header[4096];
    return join(t->root, root, "", "") && join(t->include, root, "/include", "") &&
           join(t->library, root, lib, "/libgort.a") && join(header, t->include, "/gort.h", "") &&
           is_file(header) && is_file(t->library);
}

bool tree_find(struct tree *t)
{
    static const char *const libs[] = {"/lib", "/lib64", "/lib/x86_64-linux-gnu",
                                       "/lib/aarch64-linux-gnu"};
    char here[4096], root[4096];
    ssize_t n = readlink("/proc/self/exe", here, sizeof(here) - 1);
    if (n > 0) {
        here[n] = '\0';
        to_parent(here);
        join(root, here, "", "");
        to_parent(root);
        for (size_t i = 0; i < sizeof(libs) / sizeof(libs[0]); i++)
            if (tree_try(t, root, libs[i]))
                return true;
        to_parent(root);
        if (tree_try(t, root, here + strlen(root)))
            return true;
    }
    fprintf(stderr, "gort: cannot find include/gort.h and libgort.a beside this command\n");
    return false;
}

static bool has_ending(const char *name, const char *const *endings)
{
    const char *dot = strrchr(name, '.');
    if (dot == NULL || strchr(dot, '/') != NULL)
        return false;
    for (; *endings != NULL; endings++)
        if (strcmp(dot, *endings) == 0)
            return true;
    return false;
}

static const char *const cxx_endings[] = {".cc", ".cpp", ".cxx", ".C", NULL};
static const char *const all_endings[] = {".c", ".cc", ".cpp", ".cxx", ".C", ".s",
                                          ".S", ".o",  ".a",   ".go",  NULL};
static const char *const go_endings[] = {".go", NULL};

int sources_count(int argc, char **argv)
{
    int n = 0;
    while (n < argc && has_ending(argv[n], all_endings))
        n++;
    return n;
}

bool sources_check(int n, char **files)
{
    if (n == 0) {
        fprintf(stderr, "gort: no C files listed\n");
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (has_ending(files[i], go_endings)) {
            fprintf(stderr, "gort: %s: this version compiles C and C++, not Go\n", files[i]);
            return false;
        }
        if (access(files[i], F_OK) != 0) {
            fprintf(stderr, "stat %s: no such file or directory\n", files[i]);
            return false;
        }
    }
    return true;
}

void sources_default_name(const char *file, char *out, size_t size)
{
    const char *slash = strrchr(file, '/');
    const char *base = slash == NULL ? file : slash + 1;
    const char *dot = strrchr(base, '.');
    int n = dot == NULL || dot == base ? (int)strlen(base) : (int)(dot - base);
    snprintf(out, size, "%.*s", n, base);
}

/* A command line that grows. The words are not copied, but for those split from a variable. */
struct command {
    char **word;
    size_t n, cap;
};

static void put(struct command *c, const char *word)
{
    if (c->n + 2 > c->cap) {
        c->cap = c->cap * 2 + 32;
        c->word = realloc(c->word, c->cap * sizeof(*c->word));
        if (c->word == NULL) {
            perror("gort");
            exit(STATUS_FAILED);
        }
    }
    union {
        const char *in;
        char *out;
    } same = {.in = word}; /* exec's argv is of char *, and never written */
    c->word[c->n++] = same.out;
    c->word[c->n] = NULL;
}

/* Puts the words of a variable, separated by blanks. */
static void put_split(struct command *c, const char *text)
{
    char *copy = strdup(text), *rest = copy;
    if (copy == NULL)
        return;
    for (char *word = strtok_r(copy, " \t\n", &rest); word != NULL;
         word = strtok_r(NULL, " \t\n", &rest))
        put(c, word);
}

static void show(const struct command *c)
{
    for (size_t i = 0; i < c->n; i++)
        fprintf(stderr, "%s%s", i == 0 ? "" : " ", c->word[i]);
    fputc('\n', stderr);
}

int compile(const struct flags *f, int n, char **files, const char *output)
{
    struct tree t;
    if (!tree_find(&t))
        return STATUS_FAILED;
    bool cxx = false;
    for (int i = 0; i < n; i++)
        cxx = cxx || has_ending(files[i], cxx_endings);
    struct command c = {0};
    put_split(&c, cxx ? env_or("CXX", "c++") : env_or("CC", "cc"));
    put_split(&c, cxx ? env_or("CXXFLAGS", "-O2 -g") : env_or("CFLAGS", "-O2 -g"));
    put(&c, "-fno-omit-frame-pointer");
    put(&c, "-pthread");
    put(&c, "-I");
    put(&c, t.include);
    for (int i = 0; i < n; i++)
        put(&c, files[i]);
    put_split(&c, env_or("LDFLAGS", ""));
    put(&c, t.library);
    put(&c, "-ldl");
    put(&c, "-lm");
    put(&c, "-o");
    put(&c, output);
    if (f->names)
        for (int i = 0; i < n; i++)
            fprintf(stderr, "%s\n", files[i]);
    if (f->show || f->dry)
        show(&c);
    int status = f->dry ? 0 : process_run(c.word);
    free(c.word);
    return status == 0 && !process_interrupted() ? 0 : STATUS_FAILED;
}
