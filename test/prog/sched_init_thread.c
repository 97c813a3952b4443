/* Initialisers run on the program's first thread, however often goroutine 1 gives way there, and one that locks it keeps
 * main on it. */
// expect: first, second, main: all on the first thread
#include <gort.h>
#include <stdio.h>
#include <unistd.h>

static int here[3];
static gort_chan *c;

static void feed(void)
{
    for (int i = 0; i < 300; i++)
        gort_chan_send(c, &i);
}

/* Others run meanwhile, and goroutine 1 waits for them. */
static bool stays(void)
{
    bool stays = gettid() == getpid();
    for (int i = 0; i < 4; i++)
        gort_go(feed);
    for (int i = 0, v; i < 1200; i++) {
        gort_chan_recv(c, &v);
        stays = stays && gettid() == getpid();
    }
    return stays;
}

GORT_INIT(first)
{
    c = gort_make_chan(int, 0);
    here[0] = stays();
}
GORT_INIT(second)
{
    here[1] = stays();
    gort_lock_os_thread();
}

static int run(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    here[2] = stays();
    printf("%s, %s, %s: all on the first thread\n", here[0] ? "first" : "-",
           here[1] ? "second" : "-", here[2] ? "main" : "-");
    return 0;
}
GORT_MAIN(run)
