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

int main(void)
{
    crash_run(throws);
    bool thrown = strncmp(crash_copy, "fatal error: by hand\n", 21) == 0 &&
                  strcmp(crash_copy, crash_said) == 0;
    crash_run(is_killed);
    bool killed =
        strncmp(crash_copy, "SIGQUIT: quit\n", 14) == 0 && strcmp(crash_copy, crash_said) == 0;
    crash_run(switches_off);
    bool off = crash_copy[0] == '\0' && strstr(crash_said, "quietly") != NULL;
    printf("%s, %s, %s\n", thrown ? "fatal error" : "-", killed ? "signal" : "-",
           off ? "off" : "-");
    return 0;
}
