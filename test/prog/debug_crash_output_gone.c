/* A reader of the copy that is gone does not keep the report from descriptor 2; a descriptor that is none is refused,
 * and leaves things as they are. */
// expect: refused: Bad file descriptor
// expect: status 2, all of the report
#include "crash_copy.h"

static int dies(int argc, char **argv)
{
    int p[2];
    (void)argc, (void)argv;
    if (pipe(p) != 0 || gort_debug_set_crash_output(p[1]) != 0)
        exit(1);
    close(p[0]);
    close(p[1]);
    if (gort_debug_set_crash_output(12345) == -1)
        fprintf(crash_file, "refused: %s\n", strerror(errno));
    fflush(crash_file);
    gort_throw("to nobody");
}

int main(void)
{
    int status = crash_run(dies);
    printf("%s", crash_copy);
    if (strstr(crash_said, "fatal error: to nobody\n") != NULL &&
        strstr(crash_said, "\ndies(") != NULL)
        printf("status %d, all of the report\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
    else
        printf("%s\n", crash_said);
    return 0;
}
