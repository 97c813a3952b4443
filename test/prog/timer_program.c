/* timer_program.c: a sleeping program is no deadlock, and functions run when they are due. */
#include <gort/go.h>
#include <gort/time.h>
#include <stdio.h>

static gort_chan *done;

static void say(void *text)
{
    printf("%s\n", (const char *)text);
    gort_chan_send(done, &(int){0});
}

static int start(int argc, char **argv)
{
    static char first[] = "first", second[] = "second", never[] = "never";
    (void)argc;
    (void)argv;
    done = gort_make_chan(int, 0);
    gort_timer *t = gort_after_func(GORT_HOUR, say, never);
    gort_after_func(10 * GORT_MILLISECOND, say, first);
    gort_chan_recv(done, NULL);
    printf("%d\n", gort_timer_stop(t));
    gort_after_func(10 * GORT_MILLISECOND, say, second);
    gort_chan_recv(done, NULL);
    gort_sleep(GORT_MILLISECOND);
    return 0;
}
GORT_MAIN(start)
// expect: first
// expect: 1
// expect: second
