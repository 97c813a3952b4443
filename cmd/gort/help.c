/* help.c: gort help. */
#include "cmd.h"
#include "godebug.h"

#include <stdio.h>
#include <string.h>

static const char environment_text[] =
    "The gort command consults these environment variables when it compiles:\n"
    "\n"
    "\tCC, CFLAGS\n"
    "\t\tThe command that compiles C code, and its flags.\n"
    "\tCXX, CXXFLAGS\n"
    "\t\tThe command that compiles C++ code, and its flags.\n"
    "\tLDFLAGS\n"
    "\t\tFlags for linking.\n"
    "\tTMPDIR\n"
    "\t\tWhere 'gort run' puts what it compiles.\n"
    "\n"
    "Programs that use gort look at these when they start, as Go programs do:\n"
    "\n"
    "\tGODEBUG\n"
    "\t\tComma-separated name=value settings of the runtime, see below.\n"
    "\tGOGC\n"
    "\t\tBy how many percent of what a collection left the heap grows until\n"
    "\t\tthe next; 100 when unset. off: collections begin for GOMEMLIMIT only.\n"
    "\tGOMAXPROCS\n"
    "\t\tHow many threads run goroutines at the same time.\n"
    "\tGOMEMLIMIT\n"
    "\t\tA soft memory limit, in bytes or with a unit: B, KiB, MiB, GiB, TiB;\n"
    "\t\tnone when unset, or off.\n"
    "\tGOROOT\n"
    "\t\tThe root of the gort tree.\n"
    "\tGORT_STACK\n"
    "\t\tThe size of a goroutine's stack, in bytes or with a unit.\n"
    "\tGOTRACEBACK\n"
    "\t\tHow much a dying program tells: none, single, all, system, crash.\n"
    "\n"
    "'gort env' also prints what only tells:\n"
    "\n"
    "\tGOARCH, GOOS\n"
    "\t\tThe architecture and the operating system.\n"
    "\tGORTINCLUDE, GORTLIB\n"
    "\t\tWhere the headers and the library were found.\n"
    "\tGORTVERSION\n"
    "\t\tThe version.\n";

void verbs_list(FILE *out)
{
    fprintf(out, "Gort is a tool for running C programs with goroutines.\n\nUsage:\n\n"
                 "\tgort <command> [arguments]\n\nThe commands are:\n\n");
    for (const struct verb *const *v = verbs; *v != NULL; v++)
        if (*v != &verb_help)
            fprintf(out, "\t%-11s %s\n", (*v)->name, (*v)->summary);
    fprintf(out,
            "\nUse \"gort help <command>\" for more information about a command.\n\n"
            "Additional help topics:\n\n\t%-11s %s\n\n"
            "Use \"gort help <topic>\" for more information about that topic.\n\n",
            "environment", "environment variables");
}

static int help_topic(const char *name)
{
    if (strcmp(name, "environment") == 0) {
        fputs(environment_text, stdout);
        printf("\nThe settings of GODEBUG, and what they are when unset:\n\n%s", godebug_text);
        puts("\tcpu.NAME=off\n"
             "\t\tdoes without an extension of the processor, with cpu.all=off without any.");
        return 0;
    }
    for (const struct verb *const *v = verbs; *v != NULL; v++)
        if (*v != &verb_help && strcmp((*v)->name, name) == 0) {
            printf("usage: gort %s\n\n%s", (*v)->usage, (*v)->text);
            return 0;
        }
    return STATUS_USAGE;
}

static int help(int argc, char **argv)
{
    if (argc == 1) {
        verbs_list(stdout);
        return 0;
    }
    if (argc == 2 && help_topic(argv[1]) == 0)
        return 0;
    fprintf(stderr, "gort help");
    for (int i = 1; i < argc; i++)
        fprintf(stderr, " %s", argv[i]);
    fprintf(stderr, ": unknown help topic. Run 'gort help'.\n");
    return STATUS_USAGE;
}

const struct verb verb_help = {
    .name = "help",
    .usage = "help [command]",
    .summary = "print help",
    .text = "",
    .run = help,
};
