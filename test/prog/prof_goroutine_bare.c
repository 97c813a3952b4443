/* A goroutine that runs nothing but a function of the runtime is in the profile under that function's name. */
// not: arch_start
// expect-re: ^goroutine profile: total 3$
// expect-re: gort_(chan_recv|select)\+0x
// expect-re: gort_(chan_recv|select)\+0x
#include <gort.h>

#include <stdio.h>
#include <string.h>

static bool both_wait(void)
{
    static char text[1 << 16];
    text[gort_stack(text, sizeof text - 1, true)] = '\0';
    return strstr(text, "[chan receive (nil chan)]") != NULL &&
           strstr(text, "[select (no cases)]") != NULL;
}

static int run(int argc, char **argv)
{
    (void)argc, (void)argv;
    gort_go(gort_chan_recv, (gort_chan *)NULL, (void *)NULL);
    gort_go(gort_select, (gort_select_case *)NULL, 0);
    while (!both_wait())
        gort_gosched();
    return gort_pprof_write("goroutine", 1, 1);
}
GORT_MAIN(run)
