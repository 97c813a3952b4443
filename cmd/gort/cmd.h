/* cmd.h: what the files of the gort command share.
 *
 * The command behaves as the `go` command where that has the same verb: texts, flags, exit status
 * (1 for a failure, 2 for a wrong command line). One file per verb; main.c picks the verb.
 */
#ifndef CMD_GORT_CMD_H
#define CMD_GORT_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct verb {
    const char *name;
    const char *usage;                 /* after "usage: gort " */
    const char *summary;               /* a line in the list of verbs */
    const char *text;                  /* the rest of `gort help NAME` */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit status */
};
extern const struct verb verb_build, verb_env, verb_help, verb_run, verb_version;

/* ---- main.c */
/* Every verb, in the order of the list; NULL ends it. */
extern const struct verb *const verbs[];

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

/* Says how `v` is used, on stderr; returns STATUS_USAGE. */
int usage_error(const struct verb *v);

/* ---- help.c */
/* What `gort help` prints. */
void verbs_list(FILE *out);

/* ---- flags.c: the build flags, which come first on a command line */
struct flags {
    const char *output; /* -o; NULL when absent */
    bool show;          /* -x */
    bool dry;           /* -n: show, and do not run */
    bool names;         /* -v */
    bool keep;          /* -work */
    bool takes_output;  /* whether -o is known */
};
/* Returns the index of the first argument that is no flag, or -1 after having said what is wrong.
 */
int flags_parse(const struct verb *v, int argc, char **argv, struct flags *f);

/* ---- compile.c: from sources to an executable */
/* Where the library and its headers are: an installed prefix or a build tree. */
struct tree {
    char root[4096];
    char include[4096];
    char library[4096];
};
/* False after having said that they were not found. */
bool tree_find(struct tree *t);

/* How many of the arguments are source files, from the first one on. */
int sources_count(int argc, char **argv);
/* True if each of them can be compiled; says which cannot. */
bool sources_check(int n, char **files);
/* The first source's name without its folder and ending. */
void sources_default_name(const char *file, char *out, size_t size);
/* Compiles and links; returns the exit status. */
int compile(const struct flags *f, int n, char **files, const char *output);

/* The variable's value, or `otherwise` when it is unset or empty. */
const char *env_or(const char *name, const char *otherwise);

/* ---- process.c: children, and signals while they run */
/* Runs argv[0], found in PATH, and waits. Returns its wait status, or -1 after having said why it
 * could not be started. SIGTERM and SIGHUP are passed on to it; SIGINT and SIGQUIT reach it from
 * the terminal by themselves. None of the four ends this process, which has files to remove. */
int process_run(char *const *argv);
/* True once one of the four has come. */
bool process_interrupted(void);
/* From the first temporary file on, the four signals end no verb before its end. */
void process_hold_signals(void);
/* "exit status 3", "signal: killed", as Go words it; false for success, with nothing said. */
bool process_say_status(int status);

#endif
