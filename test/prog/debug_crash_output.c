/* The report of a panic goes to descriptor 2 and to the file, which may be closed after it was named; what was printed
 * before does not. */
// expect: status 2
// expect: a copy, from `panic: ` on
#include "crash_copy.h"

static int dies(int argc, char **argv)
{
    (void)argc, (void)argv;
    int fd = dup(fileno(crash_file));
    if (gort_debug_set_crash_output(-1) != 0 || gort_debug_set_crash_output(fd) != 0)
        exit(1);
    close(fd);
    gort_debug_print_stack();
    gort_panic(gort_any_string("twice"));
}

int main(void)
{
    int status = crash_run(dies);
    printf("status %d\n", WEXITSTATUS(status));
    const char *report = strstr(crash_said, "panic: twice\n");
    if (report != NULL && report > crash_said && strcmp(report, crash_copy) == 0 &&
        strstr(report, "dies") != NULL)
        puts("a copy, from `panic: ` on");
    else
        printf("said:\n%s\ncopied:\n%s\n", crash_said, crash_copy);
    return 0;
}
