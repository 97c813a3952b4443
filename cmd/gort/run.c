/* run.c: gort run: compiles into a temporary folder, runs the program there, and removes it. */
#include "cmd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder of ours for one executable. */
struct work {
    char folder[1024];
    char program[2100];
};

static bool work_make(struct work *w, const char *source)
{
    char name[1024];
    sources_default_name(source, name, sizeof(name));
    snprintf(w->folder, sizeof(w->folder), "%s/gort-run-XXXXXX", env_or("TMPDIR", "/tmp"));
    if (mkdtemp(w->folder) == NULL) {
        fprintf(stderr, "gort: ");
        perror(w->folder);
        return false;
    }
    snprintf(w->program, sizeof(w->program), "%s/%s", w->folder, name);
    return true;
}

static void work_remove(const struct work *w)
{
    unlink(w->program);
    rmdir(w->folder);
}

/* The program's failure is told in words, and becomes status 1, as `go run` does. */
static int run_program(const struct flags *f, char *program, int argc, char **args)
{
    char **argv = calloc((size_t)argc + 2, sizeof(*argv));
    if (argv == NULL)
        return STATUS_FAILED;
    argv[0] = program;
    for (int i = 0; i < argc; i++)
        argv[i + 1] = args[i];
    if (f->show || f->dry) {
        for (int i = 0; i <= argc; i++)
            fprintf(stderr, "%s%s", i == 0 ? "" : " ", argv[i]);
        fputc('\n', stderr);
    }
    int status = f->dry ? 0 : process_run(argv);
    free(argv);
    return status == -1 || process_say_status(status) ? STATUS_FAILED : 0;
}

static int run(int argc, char **argv)
{
    struct flags f = {0};
    int first = flags_parse(&verb_run, argc, argv, &f);
    if (first < 0)
        return STATUS_USAGE;
    int n = sources_count(argc - first, argv + first);
    if (!sources_check(n, argv + first))
        return STATUS_FAILED;
    struct work w;
    process_hold_signals();
    if (!work_make(&w, argv[first]))
        return STATUS_FAILED;
    if (f.keep || f.show || f.dry)
        fprintf(stderr, "WORK=%s\n", w.folder);
    int status = compile(&f, n, argv + first, w.program);
    if (status == 0)
        status = run_program(&f, w.program, argc - first - n, argv + first + n);
    if (!f.keep)
        work_remove(&w);
    return status;
}

const struct verb verb_run = {
    .name = "run",
    .usage = "run [build flags] files... [arguments...]",
    .summary = "compile and run a C program",
    .text =
        "Run compiles the named C and C++ files as 'gort build' does, into a temporary directory,\n"
        "and runs the program with the arguments that follow the files.\n"
        "\n"
        "The exit status of run is not the exit status of the program: that is printed, and\n"
        "the exit status of run is 1 when it is not 0.\n"
        "\n"
        "For more about build flags, see 'gort help build'.\n"
        "\n"
        "See also: gort build.\n",
    .run = run,
};
