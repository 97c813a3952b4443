/* So does that of a fatal error, and of a signal; and one that was switched off again does not. */
// expect: fatal error, signal, off
#include "crash_copy.h"

static void begin(void)
{
    if (gort_debug_set_crash_output(fileno(crash_file)) != 0)
        exit(1);
}

static int throws(int argc, char **argv)
{
    (void)argc, (void)argv;
    begin();
    gort_throw("by hand");
}

static int is_killed(int argc, char **argv)
{
    (void)argc, (void)argv;
    begin();
    raise(SIGQUIT);
    return 0;
}

static int switches_off(int argc, char **argv)
{
    (void)argc, (void)argv;
    begin();
    if (gort_debug_set_crash_output(-1) != 0)
        exit(1);
    gort_throw("quietly");
}

/* Something else was the end of it. */
static int died_otherwise(int status)
{
    fputs(crash_said, stdout);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
    int status = crash_run(throws);
    if (strncmp(crash_said, "fatal error: by hand\n", 21) != 0)
        return died_otherwise(status);
    bool thrown = strncmp(crash_copy, "fatal error: by hand\n", 21) == 0 &&
                  strcmp(crash_copy, crash_said) == 0;
    status = crash_run(is_killed);
    if (strncmp(crash_said, "SIGQUIT: quit\n", 14) != 0)
        return died_otherwise(status);
    bool killed =
        strncmp(crash_copy, "SIGQUIT: quit\n", 14) == 0 && strcmp(crash_copy, crash_said) == 0;
    crash_run(switches_off);
    bool off = crash_copy[0] == '\0' && strstr(crash_said, "quietly") != NULL;
    printf("%s, %s, %s\n", thrown ? "fatal error" : "-", killed ? "signal" : "-",
           off ? "off" : "-");
    return 0;
}
