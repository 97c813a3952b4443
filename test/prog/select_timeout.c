/* select_timeout.c: a result that does not come in time. */
#include <gort/chan.h>
#include <gort/go.h>
#include <gort/time.h>
#include <stdio.h>

static int start(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    int result;
    gort_chan *never = gort_make_chan(int, 0);
    int64_t t0 = gort_nanotime(); /* before the timer begins */
    gort_select_case k[] = {GORT_RECV(never, &result), GORT_RECV(gort_after(20000000), NULL)};
    printf("case %d\n", gort_select(k, 2));
    printf("%s\n", gort_nanotime() - t0 >= 20000000 ? "waited" : "too early");
    return 0;
}
GORT_MAIN(start)
// expect: case 1
// expect: waited
