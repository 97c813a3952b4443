/* gort_go, channels, scopes and mutexes from C++. */
// cc: c++
// cflags: -std=c++11
// expect: 101
#include <gort.h>
#include <stdio.h>

enum colour { RED = 3 };

static void add(gort_chan *c, int n, colour k, const char *s)
{
    n += k + s[0];
    gort_chan_send(c, &n);
}

static void nothing()
{
}

static int run(int argc, char **argv)
{
    gort_chan *c = gort_make_chan(int, 0);
    int v;
    (void)argc;
    (void)argv;
    gort_go(add, c, 1, RED, "a");
    gort_go(nothing);
    gort_chan_recv(c, &v);
    GORT_SCOPE
    {
        gort_mutex m = {};
        gort_mutex_lock(&m);
        gort_mutex_unlock(&m);
    }
    printf("%d\n", v);
    return 0;
}
GORT_MAIN(run)
