// A panic in any goroutine ends the program.
// expect-re: ^panic: in a goroutine$
// expect-re: ^goroutine [1-9]\d* \[running\]:$
// expect-re: ^work\(
// expect-re: ^created by run
// not: ^goroutine 1 |never
// exit: 2
#include <gort.h>
#include <stdio.h>

static void work(void)
{
    gort_panicf("in a %s", "goroutine");
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    gort_go(work);
    gort_sleep(GORT_HOUR);
    puts("never");
    return 0;
}

GORT_MAIN(run)
